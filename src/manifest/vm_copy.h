// A VM from a VM: what a copy keeps, and what it must not share with its source.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/object.h"
#include "manifest/marks.h"
#include "manifest/shape.h"

namespace wukong::manifest {

/// A disk of the copy: a volume of the source with a claim of its own.
struct CopiedDisk {
  std::string volume{};  // name in the VM
  std::string claim{};   // of the copy
  bool data_volume{};    // a DataVolume of this name makes the claim
  /// {metadata: {annotations}, spec} of that DataVolume where the VM's dataVolumeTemplates shall make it: then it goes with
  /// the VM. Null: it is made by somebody else.
  Json made_by_vm = Json();
};

/// The manifest of a stopped VM `ref` made from `source` (its .metadata labels and annotations and its .spec).
/// Every disk volume (claim or DataVolume) that is not in `disks` is left out, with its disk. MAC addresses, firmware
/// UUID and serial are never shared with the source unless `shape` says so; KubeVirt gives new ones.
/// The instancetype's revision is the source's own, so the copy takes the current one.
Json vm_copy(const ObjectRef& ref, const Json& source, const std::vector<CopiedDisk>& disks,
             const VmShape& shape, const Marks& marks);

/// Names of the interfaces of `vm`, in order.
std::vector<std::string> interfaces_of(const Json& vm);

/// .spec of a claim that is filled from the VolumeSnapshot `snapshot`: class, access modes and volume mode of the
/// claim `like`, and the size `bytes`.
Json claim_from_snapshot(const Json& like, const std::string& snapshot, std::int64_t bytes);

/// The same claim as CopiedDisk::made_by_vm takes it.
Json template_from_snapshot(Json claim_spec);

}  // namespace wukong::manifest
