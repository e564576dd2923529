// `clone --resume` by method cdi: which disks of an earlier run can stay. Those of one VM must be of one moment. Pure.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "commands/clone_cdi.h"
#include "manifest/marks.h"

namespace wukong::commands {

/// What decides it.
struct CdiMoment {
  const CloneNames& names;
  const CopySource& source;
  const CdiFacts& facts;
  const manifest::Marks& marks;
  std::set<std::string> templated{};  // disks that the dataVolumeTemplates of the new VM make
  bool snapshots{};                   // disks are made from a snapshot that the operation takes
  bool source_is_off{};
  std::string cancel_command{};
};

/// A DataVolume that must go before it is made anew.
struct OutdatedVolume {
  std::string name{};
  std::string uid{};
};

/// By target. Disks of a VM that is not made stay when they are from the snapshot that the others will be from; or when all are
/// there, and filled, or to be filled from a source that is off. A VM that is made may have been used: nothing of it goes.
/// Errors: `precondition` for one that is made, and lacks disks which would be of another moment than its others; as was_made().
Result<std::map<std::string, std::vector<OutdatedVolume>>> outdated_volumes(
    const CdiMoment& moment, const std::set<std::string>& made);

/// Removes them, when no VM uses them, and waits until they are gone. The id of the last step.
std::string add_removal(op::Operation& operation, const CloneNames& names, const std::string& target,
                        const std::vector<OutdatedVolume>& volumes, const Scope& at);

}  // namespace wukong::commands
