// Judges one DataVolume, whatever fills it.
#pragma once

#include <string>
#include <vector>

#include "base/view.h"

namespace wukong::status {

struct DataVolumeWait {
  std::string ns{};
  std::string name{};
  /// A pod or a starting VM uses it: then "waits for its first consumer" is a state on the way, else an end.
  bool consumer_expected{};
};

std::vector<Watched> watches_data_volume(const DataVolumeWait& wait);
/// Done when its data is there: phase Succeeded and its claim Bound (Succeeded alone may stand over a Pending claim), or
/// (no consumer expected) when it waits for its first one: then the message says it and memory "unbound" holds its name.
/// Failed only in phase Failed (a wrong checksum), or when it was deleted or its claim lost its volume.
/// Source: cdi.kubevirt.io/v1beta1 DataVolume .status {phase, progress, restartCount, conditions[]}.
Judge data_volume_judge(DataVolumeWait wait);

}  // namespace wukong::status
