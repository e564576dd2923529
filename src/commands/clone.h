// `clone`: a new VM from a VM, disks included, by KubeVirt's VirtualMachineClone.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "commands/context.h"
#include "commands/options.h"
#include "kube/api.h"
#include "op/operation.h"

namespace CLI {
class App;
}

namespace wukong::commands {

/// Exactly what the user typed.
struct CloneOptions {
  std::string source{};  // NAME or vm/NAME
  std::string target{};  // empty: clone-<source>-<five characters>
  std::string method{"auto"};
  bool keep{};  // the VirtualMachineClone object
  OutputOptions output{};
  WriteOptions write{};
};

/// What is cloned to what, after the words were understood.
struct CloneNames {
  std::string source{};
  std::string target{};
  std::string clone{};  // the VirtualMachineClone
};

/// Exactly what the cluster said; each fact is known, absent or unreadable.
struct CloneFacts {
  kube::Fact clone_group{};                // APIGroup clone.kubevirt.io
  kube::Fact snapshot_group{};             // APIGroup snapshot.kubevirt.io
  kube::Fact source{};                     // VirtualMachine
  kube::Fact target{};                     // VirtualMachine; should be absent
  kube::Fact clones{};                     // VirtualMachineClones of the namespace
  kube::Fact kubevirts{};                  // KubeVirt resources of all namespaces
  std::vector<kube::Fact> claims{};        // of the source's disks, in spec order
  std::vector<std::string> claim_names{};  // their names
  std::vector<std::string> vm_names{};     // of the namespace; only read when the source is absent
};

/// Errors: `usage`: a source of another kind, a name that Kubernetes would refuse, target and source the same.
Result<CloneNames> clone_names(const CloneOptions& options, const Scope& scope);

/// Reads everything that plan_clone() wants to know, in two round trips. Errors: as kube::fetch.
Result<CloneFacts> gather_clone(const CloneNames& names, kube::Api& api, const Scope& scope);

/// Decides everything and does nothing: the same inputs give the same operation.
/// Steps: the VirtualMachineClone "clone"; with --wait the wait "usable" for the target's data, and the removal of the
/// VirtualMachineClone afterwards; should the clone fail, of all that it made.
/// Errors: `precondition`, naming the object, the cause and the next step.
Result<op::Operation> plan_clone(const CloneOptions& options, const CloneNames& names,
                                 const CloneFacts& facts, const Settled& settled, const Scope& scope);

void add_clone(CLI::App& app, std::function<Result<void>(Context&)>& chosen);

}  // namespace wukong::commands
