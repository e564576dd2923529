// VirtualMachineClone manifests.
#pragma once

#include <string>

#include "base/object.h"
#include "manifest/marks.h"
#include "manifest/shape.h"

namespace wukong::manifest {

/// A VirtualMachineClone `ref` that clones `source` (a VM or a VirtualMachineSnapshot) to a new VM `target`, all in its
/// namespace. `vm`: the VM that is cloned, or that the snapshot holds; null where it cannot be read. Of `shape` it says the
/// filters and MAC addresses: KubeVirt drops all others, and a serial only where the VM has a firmware (shape_patch() says the
/// rest). kubectl's last-applied annotation and wukong's own marks are not copied to the target: they speak of the source.
/// Source: clone.kubevirt.io VirtualMachineClone spec {source, target, labelFilters, annotationFilters, template,
/// newMacAddresses}.
Json vm_clone(const ObjectRef& ref, const ObjectRef& source, const std::string& target, const Json& vm,
              const VmShape& shape, const Marks& marks);

}  // namespace wukong::manifest
