// VirtualMachineClone manifests.
#pragma once

#include <string>

#include "base/object.h"
#include "manifest/marks.h"

namespace wukong::manifest {

/// A VirtualMachineClone `ref` that clones the VM `source` to a new VM `target`, both in its namespace.
/// kubectl's last-applied annotation and wukong's own marks are not copied to the target: they speak of the source.
/// Source: clone.kubevirt.io VirtualMachineClone spec {source, target, labelFilters, annotationFilters}.
Json vm_clone(const ObjectRef& ref, const std::string& source, const std::string& target, const Marks& marks);

}  // namespace wukong::manifest
