#include "commands/follow.h"

#include "status/clone_status.h"
#include "status/data_volume_status.h"
#include "status/disks_status.h"
#include "status/export_status.h"
#include "status/pvc_status.h"
#include "status/restore_status.h"
#include "status/snapshot_status.h"
#include "status/volume_snapshot_status.h"

namespace wukong::commands {

Follow until_usable(const ObjectArgument& what, const std::string& ns, const Json& object,
                    const std::string& source_vm) {
  using namespace status;
  const std::string target = target_vm(what.kind, object);
  switch (what.kind) {
    case ObjectKind::vm:
      return follow<DisksWait>(watches_disks, disks_judge, {ns, what.name});
    case ObjectKind::clone:
      return follow<CloneWait>(
          watches_clone, clone_judge,
          {.ns = ns, .name = what.name, .target = target, .source_vm = source_vm, .afterwards = true});
    case ObjectKind::snapshot:
      return follow<SnapshotWait>(watches_snapshot, snapshot_judge, {ns, what.name});
    case ObjectKind::restore:
      return follow<RestoreWait>(watches_restore, restore_judge, {ns, what.name, target, source_vm});
    case ObjectKind::vm_export:
      return follow<ExportWait>(watches_export, export_judge, {ns, what.name});
    case ObjectKind::data_volume:
      return follow<DataVolumeWait>(watches_data_volume, data_volume_judge, {ns, what.name});
    case ObjectKind::claim:
      return follow<ClaimWait>(watches_claim, claim_judge, {ns, what.name});
    case ObjectKind::volume_snapshot:
    case ObjectKind::operation:
      break;
  }
  return follow<VolumeSnapshotWait>(watches_volume_snapshot, volume_snapshot_judge, {ns, what.name});
}

std::string snapshot_behind(ObjectKind kind, const Json& object) {
  if (kind == ObjectKind::restore) return std::string(text(object, {"spec", "virtualMachineSnapshotName"}));
  const bool from_snapshot =
      kind == ObjectKind::clone && text(object, {"spec", "source", "kind"}) == "VirtualMachineSnapshot";
  return from_snapshot ? std::string(text(object, {"spec", "source", "name"})) : std::string{};
}

std::string target_vm(ObjectKind kind, const Json& object) {
  std::string name(text(object, {"spec", "target", "name"}));
  if (name.empty() && kind == ObjectKind::clone) name = text(object, {"status", "targetName"});
  return name;
}

}  // namespace wukong::commands
