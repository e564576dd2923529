// Judges the disks of a VM that was made from a VolumeSnapshot per disk.
#pragma once

#include <string>
#include <vector>

#include "base/view.h"

namespace wukong::status {

struct CopyWait {
  std::string ns{};
  std::string vm{};
  std::vector<std::string> claims{};
  std::string
      labels{};  // selects the claims (and DataVolumes) of all targets of the operation: one shared watch
  bool data_volumes{};       // some claims are made by DataVolumes, which tell why they make none
  bool consumer_expected{};  // the VM is being started: then waiting for a first consumer is no end
};

std::vector<Watched> watches_copy(const CopyWait& wait);

/// Done when every claim is Bound, or (no consumer expected) waits for the first start of the VM: then the message says
/// it, and memory "unbound" lists them: what they are filled from must stay. Failed when a claim was made without its
/// data source, which the API server drops in silence when it does not like it: such a claim is bound, and empty.
/// While all wait for a VM that is being started, what keeps that from it is the cause.
/// A DataVolume's phase is not asked: it says Succeeded over a Pending claim.
Judge copy_judge(CopyWait wait);

/// Done when none of the claims is there any more.
Judge copy_gone_judge(CopyWait wait);

}  // namespace wukong::status
