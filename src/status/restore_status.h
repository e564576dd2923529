// Judges VirtualMachineRestores, into the same VM and to a new one.
#pragma once

#include <string>
#include <vector>

#include "base/view.h"

namespace wukong::status {

struct RestoreWait {
  std::string ns{};
  std::string name{};
  std::string target{};     // VM restored into, or to be made
  std::string source_vm{};  // VM that the snapshot was taken of; its name marks the restored claims
  bool to_be_started{};     // at once: what waits for a first start need not be told
  bool all_disks_own{};     // a target that uses a claim of the source is a failure
  bool afterwards{};  // the target was made before, and may have got and lost disks since: its own affair
};

std::vector<Watched> watches_restore(const RestoreWait& wait);
/// Done when the restore is complete and its claims are Bound, or wait for the first start of the target (KubeVirt
/// calls both complete; then the message says it and memory "unbound" lists the claims, and the snapshot must stay).
/// Failed, too, when a claim of that name was there before, which KubeVirt takes as restored.
/// Memory: "unbound", "unrestored" (claims of the VM that were not in the snapshot), joined by commas.
Judge restore_judge(RestoreWait wait);

/// What keeps a restore from going on, or "": an error that is retried for ever, or a VM that must be stopped.
/// Healthy restores show such texts in passing.
std::string restore_problem(const Json& restore);
/// Claims that the restore makes or takes, as far as it has named them.
std::vector<std::string> restored_claims(const Json& restore);

}  // namespace wukong::status
