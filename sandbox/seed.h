// What the cluster holds when it starts.
#pragma once

#include "base/result.h"
#include "sandbox/cluster.h"

namespace wukong::sandbox {

/// Profiles: "default"; "wffc" (volumes are made when a VM first starts); "nosnap" (no VolumeSnapshotClass). Errors:
/// `usage` for another one.
Result<void> seed(Cluster& cluster, std::string_view profile);

}  // namespace wukong::sandbox
