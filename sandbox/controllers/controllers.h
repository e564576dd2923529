// The controllers: each looks at one object and at what is stored, and writes what shall be next.
#pragma once

#include "sandbox/cluster.h"

namespace wukong::sandbox {

/// Runs all controllers until nothing changes any more. When they want to run again: Cluster::take_wake_up.
void settle(Cluster& cluster);
/// Lets time pass until nothing is under way, for controllers at most `limit`.
void settle_fully(Cluster& cluster, Millis limit);

// One object each. All are safe to call again at any time: they compare what is with what shall be.
void step_claim(Cluster& cluster, const Json& claim);
void step_volume(Cluster& cluster, const Json& volume);
void step_volume_snapshot(Cluster& cluster, const Json& snapshot);
void step_vm(Cluster& cluster, const Json& vm);
void step_vmi(Cluster& cluster, const Json& vmi);
void step_snapshot(Cluster& cluster, const Json& snapshot);
void step_snapshot_content(Cluster& cluster, const Json& content);
void step_restore(Cluster& cluster, const Json& restore);
void step_clone(Cluster& cluster, const Json& clone);

/// What `virtctl start` and `stop` do: `action` is "start" or "stop". Errors: 404; 409 with KubeVirt's texts; 500 with
/// the webhook's text while a snapshot or restore holds the VM.
Reply<void> change_run_state(Cluster& cluster, const std::string& ns, const std::string& name,
                             const std::string& action, bool dry_run);

// ---- what several controllers want to know about the disks of a VM and their storage

/// The id of the data on a disk: an annotation of its PersistentVolume, copied with the data.
inline constexpr const char* kContent = "sandbox.wukong/content";
inline constexpr const char* kSelectedNode = "volume.kubernetes.io/selected-node";

struct Disk {
  std::string volume{};  // its name in the VM
  std::string claim{};
};

/// The volumes that are claims, in order. `owner`: a VM, with its template, or an instance.
std::vector<Disk> disks_of(const Json& owner);

Object find_claim(const Cluster& cluster, const Json& beside, std::string_view name);
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

}  // namespace wukong::sandbox
