// Judges VirtualMachineSnapshots.
#pragma once

#include <string>
#include <vector>

#include "base/view.h"

namespace wukong::status {

struct SnapshotWait {
  std::string ns{};
  std::string name{};
  /// Volume names of the VM's disks (PVC and DataVolume volumes), to tell which of them were left out; empty:
  /// nothing is said, for KubeVirt lists cloud-init and the like among the excluded volumes too.
  std::vector<std::string> disks{};
};

std::vector<Watched> watches_snapshot(const SnapshotWait& wait);
/// Done when the snapshot can be restored from: phase Succeeded and readyToUse (Succeeded alone means that its
/// point in time is cut). Memory: "indications", "left_out" (both joined by commas).
Judge snapshot_judge(SnapshotWait wait);

/// For one that is given up: done when the storage is not at work on it any more (taken, failed, refused, gone), or after 30 s.
/// A VolumeSnapshot that is deleted while it is taken hangs.
Judge snapshot_settled_judge(SnapshotWait wait);

/// What keeps a snapshot from going on, or "". Controllers go on trying; healthy snapshots pass through
/// "Source not locked" and waits for other snapshots of the VM.
std::string snapshot_problem(const Json& snapshot);
/// True when it can never succeed any more.
bool snapshot_failed(const Json& snapshot);
/// Why a failed snapshot failed. The deadline wipes out what kept it waiting: `trouble` is what was last seen of that.
std::string snapshot_failure(const Json& snapshot, const std::string& trouble);
/// True for a problem that names a cause, false for a bare "Source not locked" or "In error state".
bool tells_why(const std::string& problem);

/// .status.indications[] (Online, GuestAgent, NoGuestAgent, Paused, QuiesceTimeout, PartialSnapshot), sorted.
std::vector<std::string> indications_of(const Json& snapshot);
/// The same for a person: "taken from the running VM without guest agent: crash-consistent"; "" for an offline one.
std::string describe_indications(const std::vector<std::string>& indications);

}  // namespace wukong::status
