// `clone` by method native: a VirtualMachineClone, which KubeVirt carries out.
#pragma once

#include "commands/clone.h"
#include "commands/clone_copies.h"

namespace wukong::commands {

/// Decides everything and does nothing: the same inputs give the same operation. `facts` beyond `base` are asked for only where
/// a snapshot is the source, or MAC addresses are named.
/// Steps: the VirtualMachineClone "clone"; with --wait, and where more is done to the target, the wait "usable" for the target's
/// data, "shape-t" for what a clone cannot be told, with --start "start-t" and "running-t", and the removal of the
/// VirtualMachineClone afterwards; should it fail, of all that it made.
/// Errors: `precondition`, naming the object, the cause and the next step.
Result<op::Operation> plan_native(const CloneOptions& options, const CloneNames& names,
                                  const CopyFacts& facts, const Scope& at);

}  // namespace wukong::commands
