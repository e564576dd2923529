// `clone` of many where the user may not make or read claims: one snapshot, which KubeVirt restores to new VMs.
#pragma once

#include "commands/clone.h"
#include "commands/clone_copies.h"

namespace wukong::commands {

/// Decides everything and does nothing. Steps: unless the source is a snapshot, "snapshot" and "taken"; for each target t
/// "restore-t" and "usable-t", "shape-t" for what a restore cannot be told, with --start "start-t" and "running-t"; should t
/// fail, the removal of what was made for it; at the end that of the restores, and of the snapshot unless a claim needs it.
/// Errors: `precondition`; `forbidden` for disks that restores cannot choose or change.
Result<op::Operation> plan_restores(const CloneOptions& options, const CloneNames& names,
                                    const CopyFacts& facts, const Scope& at);

}  // namespace wukong::commands
