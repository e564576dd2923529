#include "commands/clone_stop.h"

#include <fmt/format.h>

#include "commands/clone_parts.h"
#include "commands/vm_argument.h"
#include "manifest/marks.h"
#include "status/vm_status.h"

namespace wukong::commands {

namespace {

/// A guest may take its time, whoever has stopped waiting for the clone.
constexpr std::chrono::minutes kLongestShutdown{5};
/// Of VMs that still have the older field `running` instead of a run strategy.
constexpr const char* kOlderField = "running";

bool was_stopped(const Json& vm, const Scope& at) {
  return text(vm, {"metadata", "annotations", mark::kStoppedBy}) == at.operation_id;
}

std::string noted_strategy(const Json& vm) {
  const std::string_view noted = text(vm, {"metadata", "annotations", mark::kStoppedFrom});
  return noted.empty() ? "Always" : std::string(noted);
}

/// With which the source ran, and shall run again.
std::string run_strategy_of(const Json& vm, const Scope& at) {
  // One that is still going down looks as if it ran, with the strategy of one that shall not.
  if (was_stopped(vm, at)) return noted_strategy(vm);
  const std::string_view strategy = text(vm, {"spec", "runStrategy"});
  return strategy.empty() ? kOlderField : std::string(strategy);
}

Json marks(const Json& by, const Json& from) {
  return {{"metadata", {{"annotations", {{mark::kStoppedBy, by}, {mark::kStoppedFrom, from}}}}}};
}

/// KubeVirt keeps these when it stops a VM, which then runs again only when it is told to; it makes others Halted (seen with 1.8).
bool is_told_to_start(std::string_view strategy) {
  return strategy == "Manual" || strategy == "RerunOnFailure";
}

/// What makes the others run again.
Json spec_that_runs(const std::string& strategy) {
  if (strategy == kOlderField) return {{"spec", {{"running", true}}}};
  return {{"spec", {{"runStrategy", strategy}}}};
}

/// The steps of a phase that follow one another.
class Chain {
 public:
  Chain(op::Operation& operation, const StoppedVm& stopped)
      : operation_(operation), after_(stopped.after), ids_(stopped.ids) {}

  void add(const char* name, op::Action action, const char* reason, const std::string& after = {}) {
    const std::string id = ids_ + name;
    operation_.steps.push_back({.id = id,
                                .needs = needs_,
                                .action = std::move(action),
                                .phase = op::Phase::put_back,
                                .after = after.empty() ? after_ : after,
                                .reason = reason});
    needs_ = {id};
  }

 private:
  op::Operation& operation_;
  std::string after_;
  std::string ids_;
  std::vector<std::string> needs_{};
};

void remove_half_done(Chain& chain, const MadeOfStopped& made, const Scope& at) {
  const std::string ours = manifest::selector_of(at.operation_id);
  if (made.snapshot) {
    const status::SnapshotWait wait{made.snapshot->ns, made.snapshot->name};
    chain.add("snapshot-settled",
              op::Await{*made.snapshot, snapshot_watches(*made.snapshot, wait),
                        status::snapshot_settled_judge(wait), kLongestUndoWait},
              "until it is taken: one deleted meanwhile would hang", "snapshot");
    chain.add("half-snapshot",
              op::Sweep{made.snapshot->gvr, made.snapshot->ns, ours,
                        [](const Json& snapshot, const op::Seen&) {
                          return !flag(snapshot, {"status", "readyToUse"});
                        },
                        "the snapshot, if it is not taken"},
              "it keeps the source from being started", "snapshot");
  }
  if (!made.volumes_ns.empty())
    chain.add("half-volumes",
              op::Sweep{gvr::data_volume(), made.volumes_ns, ours,
                        [targets = made.targets](const Json& volume, const op::Seen& seen) {
                          const auto target = targets.find(std::string(text(volume, {"metadata", "name"})));
                          if (target == targets.end())
                            return text(volume, {"status", "phase"}) != "Succeeded";
                          const Verdict* usable = seen.verdict("usable-" + target->second);
                          return usable == nullptr || usable->state != Verdict::State::done;
                        },
                        "DataVolumes of targets whose disks are not all filled yet"},
              "their source starts: what they would hold is of no one moment");
}

void start_in(Chain& chain, const StoppedVm& stopped) {
  const ObjectRef& vm = stopped.vm;
  const status::VmWait wait{vm.ns, vm.name};
  const bool told = is_told_to_start(stopped.strategy);
  chain.add(
      "unlocked",
      op::Await{vm, status::watches_vm_unlocked(wait), status::vm_unlocked_judge(wait), kLongestUndoWait},
      "while a snapshot of it is taken, it cannot be started");
  if (told) {
    chain.add(
        "off-again",
        op::Await{vm, status::watches_vm_stopped(wait), status::vm_stopped_judge(wait), kLongestShutdown},
        "one that is still going down cannot be started");
    chain.add(
        "start-again",
        op::Call{
            .ref = vm_subresources(vm.ns, vm.name), .subresource = "start", .settled = {"already running"}},
        "it ran before");
  }
  Json back = marks(nullptr, nullptr);
  if (!told) back.update(spec_that_runs(stopped.strategy));
  chain.add(told ? "unmark-stopped" : "start-again", op::Patch{vm, std::move(back)},
            told ? "it is not stopped any more" : "it ran before");
}

}  // namespace

bool is_running(const Json& vm) {
  return flag(vm, {"status", "created"}) && text(vm, {"status", "printableStatus"}) != "Stopped";
}

Result<void> check_running(const CloneNames& names, const Json& vm, const Scope& at) {
  if (names.running != Running::refuse || !is_running(vm)) return {};
  return refuse(
      fmt::format("{} is running", vm_words(at, names.source)),
      fmt::format("stop it: virtctl stop {} {}; or use --running=stop, which starts it again afterwards, or "
                  "--running=allow",
                  names.source, at.where()));
}

bool is_to_stop(const CloneNames& names, const Json& vm, const Scope& at) {
  return !names.from_snapshot && names.running == Running::stop && (is_running(vm) || was_stopped(vm, at));
}

void add_stop(op::Operation& operation, const CloneNames& names, const Json& vm, const Scope& at) {
  const ObjectRef source{gvr::vm(), at.ns, names.source};
  std::vector<std::string> before_off;
  if (is_running(vm)) {
    operation.steps.push_back(
        {.id = "mark-stopped",
         .action = op::Patch{source, marks(at.operation_id, run_strategy_of(vm, at)), true},
         .reason = "so that a run that is cut off is known to have stopped it"});
    operation.steps.push_back(
        {.id = "stop",
         .needs = {"mark-stopped"},
         .action = op::Call{.ref = vm_subresources(at.ns, names.source),
                            .subresource = "stop",
                            .settled = {"not running", "only supports manual stop", "already underway"}},
         .reason = "--running=stop"});
    before_off = {"stop"};
  }
  const status::VmWait wait{at.ns, names.source};
  operation.steps.push_back(
      {.id = "off",
       .needs = before_off,
       .action = op::Await{source, status::watches_vm_stopped(wait), status::vm_stopped_judge(wait)},
       .reason = "until its disks are free"});
}

std::vector<StoppedVm> stopped_by(const std::string& id, const std::string& ns,
                                  const std::map<std::string, Json, std::less<>>& vms) {
  std::vector<StoppedVm> stopped;
  for (const auto& [name, vm] : vms)
    if (text(vm, {"metadata", "annotations", mark::kStoppedBy}) == id)
      stopped.push_back({.vm = {gvr::vm(), ns, name}, .strategy = noted_strategy(vm)});
  return stopped;
}

std::string start_command(const StoppedVm& stopped, const std::string& where) {
  if (is_told_to_start(stopped.strategy)) return fmt::format("virtctl start {} {}", stopped.vm.name, where);
  return fmt::format("kubectl patch virtualmachine {} {} --type merge -p '{}'", stopped.vm.name, where,
                     dump(spec_that_runs(stopped.strategy)));
}

void add_start(op::Operation& operation, const StoppedVm& stopped) {
  Chain chain(operation, stopped);
  start_in(chain, stopped);
}

void add_start_again(op::Operation& operation, const CloneNames& names, const Json& vm,
                     const MadeOfStopped& made, const Scope& at) {
  const StoppedVm stopped{.vm = {gvr::vm(), at.ns, names.source},
                          .strategy = run_strategy_of(vm, at),
                          // Where an earlier run has stopped it, it is started however this one ends.
                          .after = is_running(vm) ? "stop" : ""};
  Chain chain(operation, stopped);
  remove_half_done(chain, made, at);
  start_in(chain, stopped);
  operation.put_back_command = start_command(stopped, at.where());
}

}  // namespace wukong::commands
