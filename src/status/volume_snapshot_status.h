// Judges VolumeSnapshots (CSI).
#pragma once

#include <string>
#include <vector>

#include "base/view.h"

namespace wukong::status {

struct VolumeSnapshotWait {
  std::string ns{};
  std::string name{};
};

std::vector<Watched> watches_volume_snapshot(const VolumeSnapshotWait& wait);
/// Done when volumes can be made from it. An error of the storage is a cause: the driver goes on trying.
/// Source: snapshot.storage.k8s.io/v1 VolumeSnapshot .status {readyToUse, error {message}}.
Judge volume_snapshot_judge(VolumeSnapshotWait wait);

}  // namespace wukong::status
