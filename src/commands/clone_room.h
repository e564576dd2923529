// Is there room for a clone: what quotas will count, MAC addresses of the namespace's VMs. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "commands/clone.h"
#include "commands/clone_copies.h"

namespace wukong::commands {

/// VMs and claims of all targets.
op::Charge charge_of(const CloneNames& names, const CopySource& source);

/// Adds `times` claims as large as each of the source VM's, as far as they can be read.
void charge_claims(op::Charge& charge, const CloneFacts& facts, std::size_t times);

/// What a snapshot of the source with so many disks adds to it.
void charge_snapshot(op::Charge& charge, const Gvr& snapshot, std::size_t disks);

/// Errors: `precondition`: a MAC address that was asked for belongs to the source, or to a VM of the target namespace, and
/// that runs; one that is kept does, and the new VM shall be started.
Result<void> check_macs(const CloneNames& names, const CloneOptions& options, const Json& source,
                        const kube::Fact& vms, const Scope& at);

}  // namespace wukong::commands
