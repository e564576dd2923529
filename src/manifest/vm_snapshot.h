// VirtualMachineSnapshot manifests.
#pragma once

#include <string>

#include "base/object.h"
#include "manifest/marks.h"

namespace wukong::manifest {

/// A VirtualMachineSnapshot `ref` of the VM `vm` of its namespace.
/// Source: snapshot.kubevirt.io VirtualMachineSnapshot spec {source}.
Json vm_snapshot(const ObjectRef& ref, const std::string& vm, const Marks& marks);

/// The VolumeSnapshot that a VirtualMachineSnapshot with this uid makes of a volume.
/// Source: kubevirt pkg/storage/snapshot/snapshot.go, "vmsnapshot-<uid>-volume-<volume>".
std::string volume_snapshot_name(std::string_view snapshot_uid, std::string_view volume);

}  // namespace wukong::manifest
