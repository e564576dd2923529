// `clone pvc/NAME TARGET`: a DataVolume that CDI fills from a claim.
#pragma once

#include <optional>
#include <string>

#include "commands/clone.h"
#include "commands/clone_cdi.h"

namespace wukong::commands {

/// The name in pvc/NAME, or nothing when `typed` is no claim.
std::optional<std::string> claim_name(const std::string& typed);

/// Exactly what the cluster said.
struct ClaimFacts {
  CdiFacts cdi{};
  kube::Fact claim{};
  kube::Fact pods{};  // of its namespace: CDI waits for those that use it
};

/// Errors: `usage` for names that Kubernetes would refuse, and for flags that are about VMs.
Result<CloneNames> claim_names(const CloneOptions& options, const Scope& scope);

/// Decides everything and does nothing. Steps: "disk"; with --wait "usable-NAME"; should it fail, its removal.
/// Errors: `precondition`.
Result<op::Operation> plan_claim(const CloneOptions& options, const CloneNames& names,
                                 const ClaimFacts& facts, const Scope& at);

/// The whole command for such a source.
Result<void> run_clone_claim(const CloneOptions& options, const Settled& settled,
                             const render::Printer& printer, Context& cx);

}  // namespace wukong::commands
