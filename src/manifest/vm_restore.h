// VirtualMachineRestores to new VMs.
#pragma once

#include <string>
#include <vector>

#include "base/object.h"
#include "manifest/marks.h"
#include "manifest/shape.h"

namespace wukong::manifest {

/// A VirtualMachineRestore `ref` of the snapshot `snapshot` to a VM `target` that does not exist yet.
/// Source: snapshot.kubevirt.io VirtualMachineRestore spec {target, virtualMachineSnapshotName, patches}.
Json vm_restore(const ObjectRef& ref, const std::string& snapshot, const std::string& target,
                const std::vector<std::string>& patches, const Marks& marks);

/// Patches that take the identity of `vm` (MAC addresses, firmware UUID and serial), which a restore keeps, from its copy,
/// and give it the MAC addresses of `shape`. KubeVirt splits them at ":" and "," instead of reading them (kubevirt 18617), so
/// MAC addresses are written with dashes, and all else of `shape` is patched in when the VM is there.
std::vector<std::string> identity_patches(const Json& vm, const VmShape& shape);

}  // namespace wukong::manifest
