// Takes a VirtualMachineClone back, with all that it has made: for the undo of `clone`, and for `cancel`.
#pragma once

#include <string>
#include <vector>

#include "commands/clone_checks.h"
#include "op/operation.h"
#include "status/clone_status.h"

namespace wukong::commands {

struct CloneRemoval {
  status::CloneWait wait{};
  CloneApi api{};
  std::string made_by{};  // the step that made the clone; or, where the plan knows it,
  std::string uid{};      // its uid
  std::string ids{};      // before the ids of the steps: "undo-"
  std::string group{};
  op::Phase phase{op::Phase::undo};
  std::string after{};
  bool claims_unreadable{};  // then they are left, and nothing waits for them
};

/// In their order nothing hangs: with the restore gone nobody makes its claims again, and a snapshot is deleted only when it is
/// taken and no claim from it is there any more (seen with external-snapshotter 8).
std::vector<op::Step> removal_steps(const CloneRemoval& removal);

}  // namespace wukong::commands
