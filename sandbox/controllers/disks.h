// What several controllers want to know about the disks of a VM and their storage.
#pragma once

#include <string>
#include <vector>

#include "sandbox/cluster.h"

namespace wukong::sandbox {

/// The id of the data on a disk: an annotation of its PersistentVolume, copied with the data.
inline constexpr const char* kContent = "sandbox.wukong/content";
inline constexpr const char* kSelectedNode = "volume.kubernetes.io/selected-node";

struct Disk {
  std::string volume{};  // its name in the VM
  std::string claim{};
};

/// The volumes of a VM's or VMI's `spec` (the one with `volumes`) that are claims, in order.
std::vector<Disk> disks_of(const Json& spec);

bool is_bound(const Json& claim);
/// True for a claim of a class that binds only when a pod uses the claim.
bool waits_for_consumer(const Cluster& cluster, const Json& claim);

/// The VolumeSnapshotClass for claims of `storage_class`, or why there is none.
struct SnapshotClass {
  std::string name{};
  std::string problem{};
};
SnapshotClass snapshot_class_of(const Cluster& cluster, std::string_view storage_class,
                                std::string_view volume);

/// A time in a class's parameters ("delay: 5s"), or `fallback`.
Millis delay_of(const Json& storage_or_snapshot_class, Millis fallback);

}  // namespace wukong::sandbox
