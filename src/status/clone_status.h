// Judges VirtualMachineClones by what they leave behind: the clone object itself says Succeeded without having
// cloned, lags up to 15 s behind its target, and stays silent about most troubles of its children.
#pragma once

#include <string>
#include <vector>

#include "base/view.h"

namespace wukong::status {

struct CloneWait {
  std::string ns{};
  std::string name{};       // the VirtualMachineClone
  std::string target{};     // the VM that it makes
  std::string source_vm{};  // the VM that is cloned, or whose snapshot is; its name marks the restored claims
  bool to_be_started{};     // at once: what waits for a first start need not be told
  bool afterwards{};  // by others than its maker: the clone may have ended long ago, and its VM be in use
};

std::vector<Watched> watches_clone(const CloneWait& wait);

/// Done when the target VM carries this clone's mark and its claims are its own and Bound, or wait for the first
/// start of the target (then the message says it, and memory "unbound" lists the claims: while it is not empty, the
/// VirtualMachineClone must not be deleted, or the claims can never be filled; "?": some, names unknown).
/// A claim of the VM that the clone did not make is a failure: it may be the source's own disk. `afterwards`, and Succeeded at
/// the first look, it is none: the VM may have got it since. Then the message names it.
/// Memory also: "uid" of the clone; "indications" of its temporary snapshot, joined by commas.
/// Source: kubevirt pkg/virt-controller/watch/clone/clone.go; names tmp-snapshot-<uid>, tmp-restore-<uid>.
Judge clone_judge(CloneWait wait);

}  // namespace wukong::status
