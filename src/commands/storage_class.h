// What a StorageClass can do for disks of VMs.
#pragma once

#include <string>
#include <string_view>

#include "kube/api.h"

namespace wukong::commands {

/// Which VolumeSnapshotClass serves a StorageClass.
struct SnapshotClass {
  std::string name{};     // empty: none, or not to be known
  std::string problem{};  // then: why
  bool unreadable{};
};

/// As KubeVirt chooses it: the one that the StorageProfile names; else the only one of the driver, else its default.
/// Source: kubevirt pkg/storage/snapshot/snapshot.go, getVolumeSnapshotClassName.
SnapshotClass snapshot_class_of(const Json& storage_class, const kube::Fact& snapshot_classes,
                                const kube::Fact& profiles);

/// True when a list could not be read because there is no such kind.
bool is_unserved(const kube::Fact& list);

/// A field of the status of the StorageProfile of that name; "".
std::string_view profile_of(const kube::Fact& profiles, std::string_view name, std::string_view field);

/// The class of new claims that name none.
bool is_default(const Json& storage_class);

/// What a StorageProfile tells of its StorageClass, for those who may not read that: name and provisioner.
Json as_class(const Json& profile);

}  // namespace wukong::commands
