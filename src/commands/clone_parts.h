// Parts that the plans of `clone` have in common. Pure.
#pragma once

#include <chrono>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "commands/clone.h"
#include "commands/clone_copies.h"
#include "manifest/marks.h"
#include "status/snapshot_status.h"

namespace wukong::commands {

/// "clone demo/web -> demo/web2", "clone demo/snapshot s -> demo/w-1 … demo/w-3 (3 VMs)".
std::string clone_title(const CloneNames& names, const Scope& at);

/// The run strategy with which a new VM is started: the source's, or Always where that starts nothing.
std::string start_strategy(const Json& vm);

/// For a Call of `start` or `stop`.
ObjectRef vm_subresources(const std::string& ns, const std::string& name);

/// For a server that does not answer.
inline constexpr std::chrono::seconds kLongestUndoWait{60};

/// The id of the step that makes the disk for `volume` of a new VM.
std::string disk_step(std::string_view target, std::string_view volume);

/// A body that is fixed, or (`later`) made when what earlier steps saw is known, and shown as `now` until then.
op::Create create(bool later, ObjectRef ref, Json now, std::function<Result<Json>(const op::Seen&)> make);

/// What is done with a target when somebody else, KubeVirt or an earlier run, has made it.
struct AfterMade {
  Json shape = Json::object();  // a merge patch
  std::string run_strategy{};   // "": it is not started
  bool until_running{};
  bool any() const { return !shape.empty() || !run_strategy.empty(); }
};

/// Adds the steps of one target: they share its row of progress, and are undone together.
class TargetSteps {
 public:
  TargetSteps(op::Operation& operation, ObjectRef vm) : operation_(operation), vm_(std::move(vm)) {}

  void add(std::string id, std::vector<std::string> needs, op::Action action, std::string reason = {});
  /// Starts the VM. The id of the last step.
  std::string add_start(const std::string& run_strategy, std::vector<std::string> needs);
  /// Waits until it runs.
  void add_running(std::vector<std::string> needs);
  /// All of `after`, when step `made` is done.
  void add_after_made(const AfterMade& after, const std::string& made);
  /// Removes what the step `made` has made. The id of the step.
  std::string add_undo(const std::string& made, const ObjectRef& ref, std::vector<std::string> needs);
  /// Waits until what was removed is gone, when step `after` was begun.
  void add_gone(std::vector<std::string> needs, std::vector<Watched> watches, Judge judge, std::string after,
                std::string reason);

 private:
  op::Operation& operation_;
  ObjectRef vm_;
};

/// A snapshot of the source VM that targets are made from.
struct SnapshotPart {
  ObjectRef ref{};
  std::string vm{};
  std::vector<std::string> volumes{};  // that it must hold
  std::vector<std::string> needs{};    // steps before it
  bool kept{};                         // it is to stay, and is marked so
  std::string reason{};
};

/// What judges of the snapshot `ref` look at, in the version that is spoken.
std::vector<Watched> snapshot_watches(const ObjectRef& ref, const status::SnapshotWait& wait);

/// Steps "snapshot", "taken", and "sizes": a check that it holds the volumes, whose reads tell how large they are.
void add_snapshot(op::Operation& operation, const SnapshotPart& part, const manifest::Marks& marks);

/// Removes it at the end, unless one of the objects that `users` lists is not filled yet, and `is_user` says that it is made from
/// it, or the object itself does: a snapshot that is deleted then hangs, and the claim can never be filled.
void add_snapshot_removal(op::Operation& operation, const ObjectRef& ref, std::vector<kube::Read> users,
                          std::function<bool(const Json&)> is_user, const Scope& at);

/// True for claims and DataVolumes that have the names of the targets' disks.
std::function<bool(const Json&)> is_copied_disk(const CloneNames& names, const CopySource& source);

/// Leaves out of `source` the disks that are not chosen, and gives the others their size, class and owner.
/// Errors: `precondition`: a disk that the source does not have, a size smaller than the source's.
Result<void> choose_disks(CopySource& source, const CloneNames& names, const Scope& at);

/// "left out: disk data", of the VM's disks that are not in `source`; empty when all are.
std::vector<std::string> left_out_notes(const CopySource& source);

/// Errors: `precondition` for an interface that the source does not have, or a size where an instancetype decides it.
Result<void> check_shape(const Json& vm, const ShapeOptions& shape);

/// Errors: `precondition` for a target, a claim or (`volumes` known) a DataVolume of one of the new names, but for `made`
/// targets and what else an earlier run of this operation has made.
Result<void> check_free(const CloneNames& names, const CopySource& source, const CopyFacts& facts,
                        const kube::Fact& volumes, const std::set<std::string>& made,
                        const manifest::Marks& marks, const Scope& at);

}  // namespace wukong::commands
