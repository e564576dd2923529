#include "sandbox/kinds.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cassert>

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
    Kind{"", "v1", "persistentvolumeclaims", "PersistentVolumeClaim", "pvc", kNamespaced, kStatus, "Status=status.phase,Volume=spec.volumeName,Capacity=status.capacity.storage,Access Modes=+status.accessModes,StorageClass=spec.storageClassName,VolumeAttributesClass='<unset>,Age=@metadata.creationTimestamp,-VolumeMode=spec.volumeMode", "accessModes,dataSource,dataSourceRef,resources,selector,storageClassName,volumeAttributesClassName,volumeMode,volumeName"},
    Kind{"", "v1", "persistentvolumes", "PersistentVolume", "pv", kCluster, kStatus, "Capacity=spec.capacity.storage,Access Modes=+spec.accessModes,Reclaim Policy=spec.persistentVolumeReclaimPolicy,Status=status.phase,Claim=&spec.claimRef.namespace/spec.claimRef.name,StorageClass=spec.storageClassName,VolumeAttributesClass='<unset>,Reason=status.reason,Age=@metadata.creationTimestamp,-VolumeMode=spec.volumeMode"},
    Kind{"", "v1", "events", "Event", "ev", kNamespaced, kPlain, "Last Seen=@lastTimestamp,Type=type,Reason=reason,Object=&involvedObject.kind/involvedObject.name,Message=message,-Count=count"},
    Kind{"", "v1", "secrets", "Secret", "", kNamespaced, kPlain, "Type=type,Data=#data,Age=@metadata.creationTimestamp"},
    Kind{"", "v1", "configmaps", "ConfigMap", "cm", kNamespaced, kPlain, "Data=#data,Age=@metadata.creationTimestamp"},
    Kind{"", "v1", "services", "Service", "svc", kNamespaced, kStatus, "Type=spec.type,Cluster-IP=spec.clusterIP,External-IP='<none>,Age=@metadata.creationTimestamp"},
    Kind{"", "v1", "resourcequotas", "ResourceQuota", "quota", kNamespaced, kStatus, "Request=%status,Limit=',Age=@metadata.creationTimestamp"},
    Kind{"networking.k8s.io", "v1", "ingresses", "Ingress", "ing", kNamespaced, kStatus, "Class=spec.ingressClassName,Age=@metadata.creationTimestamp"},
    Kind{"storage.k8s.io", "v1", "storageclasses", "StorageClass", "sc", kCluster, kPlain, "Provisioner=provisioner,ReclaimPolicy=reclaimPolicy,VolumeBindingMode=volumeBindingMode,AllowVolumeExpansion=allowVolumeExpansion,Age=@metadata.creationTimestamp"},
    Kind{"snapshot.storage.k8s.io", "v1", "volumesnapshots", "VolumeSnapshot", "vs", kNamespaced, kStatus, "ReadyToUse=status.readyToUse,SourcePVC=spec.source.persistentVolumeClaimName,SourceSnapshotContent=spec.source.volumeSnapshotContentName,RestoreSize=status.restoreSize,SnapshotClass=spec.volumeSnapshotClassName,SnapshotContent=status.boundVolumeSnapshotContentName,CreationTime=@status.creationTime,Age=@metadata.creationTimestamp"},
    Kind{"snapshot.storage.k8s.io", "v1", "volumesnapshotclasses", "VolumeSnapshotClass", "vsclass,vsclasses", kCluster, kPlain, "Driver=driver,DeletionPolicy=deletionPolicy,Age=@metadata.creationTimestamp"},
    Kind{"snapshot.storage.k8s.io", "v1", "volumesnapshotcontents", "VolumeSnapshotContent", "vsc,vscs", kCluster, kStatus, "ReadyToUse=status.readyToUse,RestoreSize=status.restoreSize,DeletionPolicy=spec.deletionPolicy,Driver=spec.driver,VolumeSnapshotClass=spec.volumeSnapshotClassName,VolumeSnapshot=spec.volumeSnapshotRef.name,VolumeSnapshotNamespace=spec.volumeSnapshotRef.namespace,Age=@metadata.creationTimestamp"},
    Kind{"kubevirt.io", "v1", "virtualmachines", "VirtualMachine", "vm,vms", kNamespaced, kStatus, "Age=@metadata.creationTimestamp,Status=status.printableStatus,Ready=?Ready", "dataVolumeTemplates,instancetype,preference,runStrategy,running,template,updateVolumesStrategy"},
    Kind{"kubevirt.io", "v1", "virtualmachineinstances", "VirtualMachineInstance", "vmi,vmis", kNamespaced, kPlain, "Age=@metadata.creationTimestamp,Phase=status.phase,IP=status.interfaces.0.ipAddress,NodeName=status.nodeName,Ready=?Ready,-Live-Migratable=?LiveMigratable,-Paused=?Paused"},
    Kind{"kubevirt.io", "v1", "kubevirts", "KubeVirt", "kv,kvs", kNamespaced, kStatus, "Age=@metadata.creationTimestamp,Phase=status.phase"},
    Kind{"clone.kubevirt.io", "v1beta1", "virtualmachineclones", "VirtualMachineClone", "vmclone,vmclones", kNamespaced, kStatus, "Phase=status.phase,SourceVirtualMachine=spec.source.name,TargetVirtualMachine=spec.target.name", "annotationFilters,labelFilters,newMacAddresses,newSMBiosSerial,patches,source,target,template,volumeNamePolicy"},
    Kind{"snapshot.kubevirt.io", "v1beta1", "virtualmachinesnapshots", "VirtualMachineSnapshot", "vmsnapshot,vmsnapshots", kNamespaced, kStatus, "SourceKind=spec.source.kind,SourceName=spec.source.name,Phase=status.phase,ReadyToUse=status.readyToUse,CreationTime=@status.creationTime,Error=status.error.message", "deletionPolicy,failureDeadline,source"},
    Kind{"snapshot.kubevirt.io", "v1beta1", "virtualmachinesnapshotcontents", "VirtualMachineSnapshotContent", "vmsnapshotcontent,vmsnapshotcontents", kNamespaced, kStatus, "ReadyToUse=status.readyToUse,CreationTime=@status.creationTime,Error=status.error.message"},
    Kind{"snapshot.kubevirt.io", "v1beta1", "virtualmachinerestores", "VirtualMachineRestore", "vmrestore,vmrestores", kNamespaced, kStatus, "TargetKind=spec.target.kind,TargetName=spec.target.name,Complete=status.complete,RestoreTime=@status.restoreTime", "patches,target,targetReadinessPolicy,virtualMachineSnapshotName,volumeOwnershipPolicy,volumeRestoreOverrides,volumeRestorePolicy"},
};
// clang-format on

}  // namespace

std::string Kind::qualified() const {
  return group.empty() ? std::string(resource) : fmt::format("{}.{}", resource, group);
}

std::string Kind::api_version() const {
  return group.empty() ? std::string(version) : fmt::format("{}/{}", group, version);
}

std::string Kind::type() const {
  return group.empty() ? std::string(kind) : fmt::format("{}.{}", kind, group);
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
