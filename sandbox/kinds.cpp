#include "sandbox/kinds.h"

#include <algorithm>
#include <array>
#include <cassert>

#include "base/text.h"

namespace wukong::sandbox {
namespace {

constexpr bool kCluster = false;
constexpr bool kNamespaced = true;
constexpr bool kStatus = true;
constexpr bool kPlain = false;

// clang-format off
constexpr std::array kKinds{
    Kind{"", "v1", "namespaces", "Namespace", "ns", kCluster, kStatus, "Status=status.phase,Age=@metadata.creationTimestamp"},
    Kind{"", "v1", "pods", "Pod", "po", kNamespaced, kStatus, "Ready='1/1,Status=status.phase,Restarts='0,Age=@metadata.creationTimestamp,-Node=spec.nodeName"},
    Kind{"", "v1", "persistentvolumeclaims", "PersistentVolumeClaim", "pvc", kNamespaced, kStatus, "Status=status.phase,Volume=spec.volumeName,Capacity=status.capacity.storage,Access Modes=+status.accessModes,StorageClass=spec.storageClassName,VolumeAttributesClass='<unset>,Age=@metadata.creationTimestamp,-VolumeMode=spec.volumeMode"},
    Kind{"", "v1", "persistentvolumes", "PersistentVolume", "pv", kCluster, kStatus, "Capacity=spec.capacity.storage,Access Modes=+spec.accessModes,Reclaim Policy=spec.persistentVolumeReclaimPolicy,Status=status.phase,Claim=&spec.claimRef.namespace/spec.claimRef.name,StorageClass=spec.storageClassName,VolumeAttributesClass='<unset>,Reason=status.reason,Age=@metadata.creationTimestamp,-VolumeMode=spec.volumeMode"},
    Kind{"", "v1", "events", "Event", "ev", kNamespaced, kPlain, "Last Seen=@lastTimestamp,Type=type,Reason=reason,Object=&involvedObject.kind/involvedObject.name,Message=message,-Count=count"},
    Kind{"", "v1", "secrets", "Secret", "", kNamespaced, kPlain, "Type=type,Data=#data,Age=@metadata.creationTimestamp"},
    Kind{"", "v1", "configmaps", "ConfigMap", "cm", kNamespaced, kPlain, "Data=#data,Age=@metadata.creationTimestamp"},
    Kind{"", "v1", "services", "Service", "svc", kNamespaced, kStatus, "Type=spec.type,Cluster-IP=spec.clusterIP,External-IP='<none>,Age=@metadata.creationTimestamp"},
    Kind{"", "v1", "resourcequotas", "ResourceQuota", "quota", kNamespaced, kStatus, "Age=@metadata.creationTimestamp"},
    Kind{"storage.k8s.io", "v1", "storageclasses", "StorageClass", "sc", kCluster, kPlain, "Provisioner=provisioner,ReclaimPolicy=reclaimPolicy,VolumeBindingMode=volumeBindingMode,AllowVolumeExpansion=allowVolumeExpansion,Age=@metadata.creationTimestamp"},
    Kind{"snapshot.storage.k8s.io", "v1", "volumesnapshots", "VolumeSnapshot", "vs", kNamespaced, kStatus, "ReadyToUse=status.readyToUse,SourcePVC=spec.source.persistentVolumeClaimName,SourceSnapshotContent=spec.source.volumeSnapshotContentName,RestoreSize=status.restoreSize,SnapshotClass=spec.volumeSnapshotClassName,SnapshotContent=status.boundVolumeSnapshotContentName,CreationTime=@status.creationTime,Age=@metadata.creationTimestamp"},
    Kind{"snapshot.storage.k8s.io", "v1", "volumesnapshotclasses", "VolumeSnapshotClass", "vsclass,vsclasses", kCluster, kPlain, "Driver=driver,DeletionPolicy=deletionPolicy,Age=@metadata.creationTimestamp"},
    Kind{"snapshot.storage.k8s.io", "v1", "volumesnapshotcontents", "VolumeSnapshotContent", "vsc,vscs", kCluster, kStatus, "ReadyToUse=status.readyToUse,RestoreSize=status.restoreSize,DeletionPolicy=spec.deletionPolicy,Driver=spec.driver,VolumeSnapshotClass=spec.volumeSnapshotClassName,VolumeSnapshot=spec.volumeSnapshotRef.name,VolumeSnapshotNamespace=spec.volumeSnapshotRef.namespace,Age=@metadata.creationTimestamp"},
    Kind{"kubevirt.io", "v1,v1alpha3", "virtualmachines", "VirtualMachine", "vm,vms", kNamespaced, kStatus, "Age=@metadata.creationTimestamp,Status=status.printableStatus,Ready=?Ready"},
    Kind{"kubevirt.io", "v1,v1alpha3", "virtualmachineinstances", "VirtualMachineInstance", "vmi,vmis", kNamespaced, kPlain, "Age=@metadata.creationTimestamp,Phase=status.phase,IP=status.interfaces.0.ipAddress,NodeName=status.nodeName,Ready=?Ready,-Live-Migratable=?LiveMigratable,-Paused=?Paused"},
    Kind{"kubevirt.io", "v1,v1alpha3", "kubevirts", "KubeVirt", "kv,kvs", kNamespaced, kStatus, "Age=@metadata.creationTimestamp,Phase=status.phase"},
    Kind{"clone.kubevirt.io", "v1beta1,v1alpha1", "virtualmachineclones", "VirtualMachineClone", "vmclone,vmclones", kNamespaced, kStatus, "Phase=status.phase,SourceVirtualMachine=spec.source.name,TargetVirtualMachine=spec.target.name"},
    Kind{"snapshot.kubevirt.io", "v1beta1,v1alpha1", "virtualmachinesnapshots", "VirtualMachineSnapshot", "vmsnapshot,vmsnapshots", kNamespaced, kStatus, "SourceKind=spec.source.kind,SourceName=spec.source.name,Phase=status.phase,ReadyToUse=status.readyToUse,CreationTime=@status.creationTime,Error=status.error.message"},
    Kind{"snapshot.kubevirt.io", "v1beta1,v1alpha1", "virtualmachinesnapshotcontents", "VirtualMachineSnapshotContent", "vmsnapshotcontent,vmsnapshotcontents", kNamespaced, kStatus, "ReadyToUse=status.readyToUse,CreationTime=@status.creationTime,Error=status.error.message"},
    Kind{"snapshot.kubevirt.io", "v1beta1,v1alpha1", "virtualmachinerestores", "VirtualMachineRestore", "vmrestore,vmrestores", kNamespaced, kStatus, "TargetKind=spec.target.kind,TargetName=spec.target.name,Complete=status.complete,RestoreTime=@status.restoreTime"},
};
// clang-format on

}  // namespace

std::string Kind::qualified() const {
  return group.empty() ? std::string(resource) : std::string(resource) + "." + std::string(group);
}

std::string Kind::api_version(std::string_view version) const {
  if (version.empty()) version = versions.substr(0, versions.find(','));
  return group.empty() ? std::string(version) : std::string(group) + "/" + std::string(version);
}

bool Kind::serves(std::string_view version) const {
  const auto served = split(versions, ',');
  return std::find(served.begin(), served.end(), version) != served.end();
}

std::span<const Kind> all_kinds() { return kKinds; }

const Kind* find_kind(std::string_view group, std::string_view resource) {
  const auto found = std::find_if(kKinds.begin(), kKinds.end(), [&](const Kind& each) {
    return each.group == group && each.resource == resource;
  });
  return found == kKinds.end() ? nullptr : &*found;
}

const Kind& kind_named(std::string_view resource) {
  const auto found =
      std::find_if(kKinds.begin(), kKinds.end(), [&](const Kind& each) { return each.resource == resource; });
  assert(found != kKinds.end());
  return *found;
}

}  // namespace wukong::sandbox
