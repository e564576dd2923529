// `clone`: new VMs from a VM or a snapshot of one, disks included.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "commands/context.h"
#include "commands/disk_options.h"
#include "commands/expose.h"
#include "commands/options.h"
#include "commands/vm_shape.h"
#include "kube/api.h"
#include "kube/discovery.h"
#include "op/operation.h"

namespace CLI {
class App;
}

namespace wukong::commands {

/// Exactly what the user typed.
struct CloneOptions {
  std::string source{};  // NAME, vm/NAME, snapshot/NAME or pvc/NAME
  std::string target{};  // empty: clone-<source>-<five characters>; with `count` a pattern with "#"
  std::string method{"auto"};
  std::size_t count{};   // zero: one target, called as it is
  bool keep{};           // the VirtualMachineClone object
  bool keep_snapshot{};  // the one that the targets are made from
  bool start{};
  std::string to_namespace{};  // empty: the source's
  bool copy_refs{};
  std::string running{"allow"};
  std::string resume{};  // id of an operation to go on with
  DiskOptions disks{};
  ShapeOptions shape{};
  ExposeOptions expose{};
  OutputOptions output{};
  WriteOptions write{};
};

/// How a clone is made.
enum class CloneMethod {
  native,    // a VirtualMachineClone: KubeVirt does it
  snapshot,  // a claim per disk straight from its VolumeSnapshot, and a VM
  cdi,       // a DataVolume per disk, and a VM
  restores   // a VirtualMachineRestore of one snapshot per VM; chosen where the user has no rights on claims
};

/// What becomes of a source that runs.
enum class Running {
  allow,  // it goes on
  stop,   // it is stopped, and started again afterwards
  refuse
};

/// What is cloned to what, and how, after the words were understood.
struct CloneNames {
  std::string source{};
  std::string target{};                // the first of `targets`
  std::string clone{};                 // native: the VirtualMachineClone
  bool from_snapshot{};                // the source is a VirtualMachineSnapshot
  std::vector<std::string> targets{};  // all of them
  std::size_t count{};                 // --count; 0 where it is not given
  std::string target_ns{};
  bool elsewhere{};        // which is not the source's
  std::string snapshot{};  // the one that is taken, or the source
  DiskChoice disks{};
  Running running{Running::allow};
  CloneMethod method{CloneMethod::native};
  std::string reason{};  // why this method; empty when it was asked for
};

/// What a run that was cut off has left (commands/clone_resume.h). All absent where none is gone on with.
struct Earlier {
  kube::Fact vms{};       // of the target namespace, with labels and annotations
  kube::Fact claims{};    // of the target namespace, with the operation's label
  kube::Fact volumes{};   // DataVolumes, likewise
  kube::Fact clones{};    // VirtualMachineClones of the source's namespace, likewise
  kube::Fact restores{};  // VirtualMachineRestores, likewise
  kube::Fact snapshot{};  // VirtualMachineSnapshot that it has taken of the source, and not begun to remove
};

/// Exactly what the cluster said; each fact is known, absent or unreadable.
struct CloneFacts {
  std::optional<kube::ServedApis> served{};  // nothing: may not be asked
  kube::Fact source{};                       // VirtualMachine; absent where a snapshot is the source
  kube::Fact target{};                       // VirtualMachine; should be absent
  kube::Fact clones{};                       // VirtualMachineClones of the namespace
  kube::Fact kubevirts{};                    // KubeVirt resources of all namespaces
  std::vector<kube::Fact> claims{};          // of the source's disks, in spec order
  std::vector<std::string> claim_names{};    // their names
  std::vector<std::string> vm_names{};       // of the namespace; only read when the source is absent
  bool may_make_claims{true};                // only asked where a method needs it
  bool may_list_contents{true};              // VirtualMachineSnapshotContents; likewise
  Earlier earlier{};
};

/// All but the method, which choose_method() decides (commands/clone_method.h). Errors: `usage`: a source of another kind,
/// a name that Kubernetes would refuse, target and source the same, a pattern without "#", flags that no method, or not the
/// one that was asked for, can do.
Result<CloneNames> clone_names(const CloneOptions& options, const Scope& scope);

/// Reads what every method wants to know, in two round trips where `discovery` is on disk. Errors: as kube::fetch.
Result<CloneFacts> gather_clone(const CloneNames& names, kube::Api& api, kube::Discovery& discovery,
                                const Scope& scope);

void add_clone(CLI::App& app, std::function<Result<void>(Context&)>& chosen);

}  // namespace wukong::commands
