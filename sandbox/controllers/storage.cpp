// What the CSI provisioner, the snapshotter and the volume binder do.
#include <fmt/format.h>

#include <algorithm>

#include "base/quantity.h"
#include "sandbox/controllers/controllers.h"

namespace wukong::sandbox {
namespace {

constexpr std::string_view kClaims = "persistentvolumeclaims";
constexpr std::string_view kVolumes = "persistentvolumes";
constexpr std::string_view kSnapshots = "volumesnapshots";
constexpr std::string_view kContents = "volumesnapshotcontents";
constexpr std::string_view kProtection = "kubernetes.io/pvc-protection";
constexpr std::string_view kSnapshotted = "snapshot.storage.kubernetes.io/pvc-as-source-protection";
constexpr std::string_view kAsSource = "snapshot.storage.kubernetes.io/volumesnapshot-as-source-protection";
constexpr std::string_view kBoundSnapshot = "snapshot.storage.kubernetes.io/volumesnapshot-bound-protection";
constexpr std::string_view kProvisioner = "sandbox-provisioner";
constexpr std::string_view kBinder = "persistentvolume-controller";
constexpr std::string_view kSnapshotter = "snapshot-controller";

std::int64_t size_of(std::string_view words) {
  const auto bytes = parse_quantity(words);
  return bytes ? bytes->count : 0;
}

/// A time in a class's parameters ("delay: 5s"); else large disks take longer, so that they do not end all at once.
Millis copying_time(const Json& used_class, std::string_view size, Millis least, Millis per_gib) {
  const auto told = parse_duration(text(used_class, {"parameters", "delay"}));
  return told ? std::chrono::duration_cast<Millis>(*told) : least + per_gib * (size_of(size) >> 30U);
}

/// The data on a claim's volume.
std::string content_of(const Cluster& cluster, const Json& claim) {
  const Object volume = cluster.find(kVolumes, "", text(claim, {"spec", "volumeName"}));
  return volume == nullptr ? "" : std::string(text(*volume, {"metadata", "annotations", kContent}));
}

// ---- volumes

/// The data that a new volume will hold, or why it cannot be made now.
struct Data {
  std::string content{};
  std::string problem{};
};

Data data_of_snapshot(const Cluster& cluster, const Json& claim, std::string_view name) {
  const Object snapshot = cluster.find(kSnapshots, ns_of(claim), name);
  if (snapshot == nullptr)
    return {.problem = fmt::format("error getting snapshot {0} from api server: "
                                   "volumesnapshots.snapshot.storage.k8s.io \"{0}\" not found",
                                   name)};
  if (is_deleting(*snapshot)) return {.problem = fmt::format("snapshot {} is currently being deleted", name)};
  const Object content =
      cluster.find(kContents, "", text(*snapshot, {"status", "boundVolumeSnapshotContentName"}));
  if (content == nullptr) return {.problem = fmt::format("snapshot {} not bound", name)};
  if (!flag(*snapshot, {"status", "readyToUse"}))
    return {.problem = fmt::format("snapshot {} is not Ready", name)};
  const std::int64_t asked = size_of(text(claim, {"spec", "resources", "requests", "storage"}));
  const std::int64_t least = size_of(text(*snapshot, {"status", "restoreSize"}));
  if (asked < least)
    return {.problem =
                fmt::format("requested volume size {} is less than the size {} for the source snapshot {}",
                            asked, least, name)};
  return {.content = std::string(text(*content, {"metadata", "annotations", kContent}))};
}

Data data_for(const Cluster& cluster, const Json& claim, const Json& storage_class) {
  if (const std::string_view fail = text(storage_class, {"parameters", "fail"}); !fail.empty())
    return {.problem = fmt::format("rpc error: code = Internal desc = {}", fail)};
  const std::string_view name = text(claim, {"spec", "dataSource", "name"});
  const std::string_view kind = text(claim, {"spec", "dataSource", "kind"});
  if (kind == "VolumeSnapshot") {
    Data data = data_of_snapshot(cluster, claim, name);
    if (!data.problem.empty())
      data.problem = fmt::format("error getting handle for DataSource Type VolumeSnapshot by Name {}: {}",
                                 name, data.problem);
    return data;
  }
  if (kind != "PersistentVolumeClaim") return {.content = "blank-" + uid_of(claim)};
  const Object source = find_claim(cluster, claim, name);
  if (source == nullptr || !is_bound(*source))
    return {.problem = fmt::format("claim in dataSource not bound: {}", name)};
  return {.content = content_of(cluster, *source)};
}

void bind(Cluster& cluster, const Json& claim, const Json& storage_class, const std::string& content) {
  const std::string name = "pvc-" + uid_of(claim);
  const std::string driver(text(storage_class, {"provisioner"}));
  const std::string_view reclaim = text(storage_class, {"reclaimPolicy"});
  const Json& size = fields(claim, {"spec", "resources", "requests"});
  const Json& modes = items(claim, {"spec", "accessModes"});
  const Json volume = {
      {"metadata",
       {{"name", name}, {"annotations", {{"pv.kubernetes.io/provisioned-by", driver}, {kContent, content}}}}},
      {"spec",
       {{"capacity", size},
        {"accessModes", modes},
        {"claimRef",
         {{"kind", "PersistentVolumeClaim"},
          {"apiVersion", "v1"},
          {"namespace", ns_of(claim)},
          {"name", name_of(claim)},
          {"uid", uid_of(claim)}}},
        {"csi", {{"driver", driver}, {"volumeHandle", "vol-" + uid_of(claim)}}},
        {"persistentVolumeReclaimPolicy", reclaim.empty() ? "Delete" : reclaim},
        {"storageClassName", name_of(storage_class)},
        {"volumeMode", text(claim, {"spec", "volumeMode"})}}}};
  const auto made = cluster.create(kind_named(kVolumes), volume);
  if (!made) return;
  cluster.merge_status(kVolumes, **made, {{"phase", "Bound"}});
  cluster.merge(
      kClaims, claim,
      {{"spec", {{"volumeName", name}}},
       {"metadata",
        {{"annotations",
          {{"pv.kubernetes.io/bind-completed", "yes"}, {"pv.kubernetes.io/bound-by-controller", "yes"}}}}}});
  cluster.merge_status(kClaims, claim, {{"phase", "Bound"}, {"accessModes", modes}, {"capacity", size}});
  cluster.tell(claim, "Normal", "ProvisioningSucceeded",
               fmt::format("Successfully provisioned volume {}", name), kProvisioner);
}

/// The provisioner tries again for ever, and says so.
void fail_to_provision(Cluster& cluster, const Json& claim, const std::string& problem,
                       const std::string& storage_class) {
  if (cluster.due(claim, "failed", Millis(4000)))
    cluster.tell(
        claim, "Warning", "ProvisioningFailed",
        fmt::format("failed to provision volume with StorageClass \"{}\": {}", storage_class, problem),
        kProvisioner);
}

void provision(Cluster& cluster, const Json& claim, const Json& storage_class) {
  const std::string driver(text(storage_class, {"provisioner"}));
  cluster.merge(kClaims, claim,
                {{"metadata",
                  {{"annotations",
                    {{"volume.beta.kubernetes.io/storage-provisioner", driver},
                     {"volume.kubernetes.io/storage-provisioner", driver}}}}}});
  if (cluster.due(claim, "begun", std::chrono::hours(1))) {
    cluster.tell(claim, "Normal", "ExternalProvisioning",
                 fmt::format("Waiting for a volume to be created either by the external provisioner '{}' or "
                             "manually by the system administrator. If volume creation is delayed, please "
                             "verify that the provisioner is running and correctly registered.",
                             driver),
                 kBinder);
    cluster.tell(claim, "Normal", "Provisioning",
                 fmt::format("External provisioner is provisioning volume for claim \"{}/{}\"", ns_of(claim),
                             name_of(claim)),
                 kProvisioner);
  }
  const Data data = data_for(cluster, claim, storage_class);
  if (!data.problem.empty()) return fail_to_provision(cluster, claim, data.problem, name_of(storage_class));
  const std::string_view size = text(claim, {"spec", "resources", "requests", "storage"});
  if (cluster.waited(claim, "provision", copying_time(storage_class, size, Millis(1800), Millis(80))))
    bind(cluster, claim, storage_class, data.content);
}

bool is_used(const Cluster& cluster, const Json& claim) {
  for (const Object& vmi : cluster.list("virtualmachineinstances", ns_of(claim)))
    for (const Disk& disk : disks_of(*vmi))
      if (disk.claim == name_of(claim)) return true;
  return false;
}

// ---- snapshots

/// True while a claim waits to be filled from `snapshot`.
bool is_needed(const Cluster& cluster, const Json& snapshot) {
  for (const Object& claim : cluster.list(kClaims, ns_of(snapshot)))
    if (text(*claim, {"spec", "dataSource", "kind"}) == "VolumeSnapshot" && !is_bound(*claim) &&
        text(*claim, {"spec", "dataSource", "name"}) == name_of(snapshot))
      return true;
  return false;
}

void end_snapshot(Cluster& cluster, const Json& snapshot) {
  if (is_needed(cluster, snapshot)) {
    if (cluster.due(snapshot, "needed", Millis(10'000)))
      cluster.tell(snapshot, "Warning", "SnapshotDeletePending", "Snapshot is being used to restore a PVC",
                   kSnapshotter);
    return;
  }
  const Object content =
      cluster.find(kContents, "", text(snapshot, {"status", "boundVolumeSnapshotContentName"}));
  if (content != nullptr && text(*content, {"spec", "deletionPolicy"}) == "Delete")
    cluster.remove(kContents, *content);
  if (const Object claim =
          find_claim(cluster, snapshot, text(snapshot, {"spec", "source", "persistentVolumeClaimName"})))
    cluster.drop_finalizer(kClaims, *claim, kSnapshotted);
  cluster.drop_finalizer(kSnapshots, snapshot, kAsSource);
  cluster.drop_finalizer(kSnapshots, snapshot, kBoundSnapshot);
}

void fail_snapshot(Cluster& cluster, const Json& snapshot, const std::string& message) {
  if (text(snapshot, {"status", "error", "message"}) == message) return;
  cluster.merge_status(
      kSnapshots, snapshot,
      {{"readyToUse", false}, {"error", {{"message", message}, {"time", cluster.timestamp()}}}});
}

void bind_snapshot(Cluster& cluster, const Json& snapshot, const Json& claim, const Json& used_class) {
  const std::string name = "snapcontent-" + uid_of(snapshot);
  const std::string place = fmt::format("{}/{}", ns_of(snapshot), name_of(snapshot));
  const Json content = {
      {"metadata", {{"name", name}, {"annotations", {{kContent, content_of(cluster, claim)}}}}},
      {"spec",
       {{"deletionPolicy", text(used_class, {"deletionPolicy"})},
        {"driver", text(used_class, {"driver"})},
        {"source", {{"volumeHandle", "vol-" + uid_of(claim)}}},
        {"sourceVolumeMode", text(claim, {"spec", "volumeMode"})},
        {"volumeSnapshotClassName", name_of(used_class)},
        {"volumeSnapshotRef",
         {{"apiVersion", "snapshot.storage.k8s.io/v1"},
          {"kind", "VolumeSnapshot"},
          {"namespace", ns_of(snapshot)},
          {"name", name_of(snapshot)},
          {"uid", uid_of(snapshot)}}}}}};
  cluster.add_finalizer(kSnapshots, snapshot, kAsSource);
  if (!cluster.create(kind_named(kContents), content)) return;
  cluster.add_finalizer(kClaims, claim, kSnapshotted);
  cluster.merge_status(kSnapshots, snapshot,
                       {{"boundVolumeSnapshotContentName", name}, {"readyToUse", false}});
  cluster.add_finalizer(kSnapshots, snapshot, kBoundSnapshot);
  cluster.tell(snapshot, "Normal", "CreatingSnapshot",
               fmt::format("Waiting for a snapshot {} to be created by the CSI driver.", place),
               kSnapshotter);
}

void take_snapshot(Cluster& cluster, const Json& snapshot, const Json& content, const Json& claim,
                   const Json& used_class) {
  const std::string size(text(claim, {"status", "capacity", "storage"}));
  if (const std::string_view fail = text(used_class, {"parameters", "fail"}); !fail.empty()) {
    const bool again = cluster.waited(snapshot, "first failure", Millis(1000));
    return fail_snapshot(
        cluster, snapshot,
        fmt::format("Failed to {} of the volume {}: \"rpc error: code = Internal desc = {}\"",
                    again ? "check and update snapshot content: failed to take snapshot"
                          : "create snapshot: failed to take snapshot",
                    "vol-" + uid_of(claim), fail));
  }
  if (!cluster.waited(snapshot, "take", copying_time(used_class, size, Millis(1800), Millis(20)))) return;
  cluster.merge_status(kContents, content, {{"readyToUse", true}, {"restoreSize", size_of(size)}});
  cluster.merge_status(kSnapshots, snapshot,
                       {{"error", nullptr},
                        {"creationTime", cluster.timestamp()},
                        {"readyToUse", true},
                        {"restoreSize", size}});
  cluster.drop_finalizer(kClaims, claim, kSnapshotted);
  const std::string place = fmt::format("{}/{}", ns_of(snapshot), name_of(snapshot));
  cluster.tell(snapshot, "Normal", "SnapshotCreated",
               fmt::format("Snapshot {} was successfully created by the CSI driver.", place), kSnapshotter);
  cluster.tell(snapshot, "Normal", "SnapshotReady", fmt::format("Snapshot {} is ready to use.", place),
               kSnapshotter);
}

}  // namespace

void step_claim(Cluster& cluster, const Json& claim) {
  if (is_deleting(claim)) {
    if (!is_used(cluster, claim)) cluster.drop_finalizer(kClaims, claim, kProtection);
    return;
  }
  if (is_bound(claim)) return;
  const std::string_view class_name = text(claim, {"spec", "storageClassName"});
  const Object used = cluster.find("storageclasses", "", class_name);
  if (used == nullptr) {
    if (cluster.due(claim, "failed", Millis(4000)))
      cluster.tell(claim, "Warning", "ProvisioningFailed",
                   fmt::format("storageclass.storage.k8s.io \"{}\" not found", class_name), kBinder);
    return;
  }
  const bool waits =
      waits_for_consumer(cluster, claim) && text(claim, {"metadata", "annotations", kSelectedNode}).empty();
  if (!waits) return provision(cluster, claim, *used);
  if (cluster.due(claim, "consumer", Millis(15'000)))
    cluster.tell(claim, "Normal", "WaitForFirstConsumer",
                 "waiting for first consumer to be created before binding", kBinder);
}

void step_volume(Cluster& cluster, const Json& volume) {
  const Object claim = cluster.find(kClaims, text(volume, {"spec", "claimRef", "namespace"}),
                                    text(volume, {"spec", "claimRef", "name"}));
  if (claim != nullptr && uid_of(*claim) == text(volume, {"spec", "claimRef", "uid"})) return;
  if (text(volume, {"spec", "persistentVolumeReclaimPolicy"}) == "Delete")
    cluster.remove(kVolumes, volume);
  else
    cluster.merge_status(kVolumes, volume, {{"phase", "Released"}});
}

void step_volume_snapshot(Cluster& cluster, const Json& snapshot) {
  if (is_deleting(snapshot)) return end_snapshot(cluster, snapshot);
  if (flag(snapshot, {"status", "readyToUse"})) return;
  const std::string_view class_name = text(snapshot, {"spec", "volumeSnapshotClassName"});
  const Object used = cluster.find("volumesnapshotclasses", "", class_name);
  if (used == nullptr)
    return fail_snapshot(cluster, snapshot,
                         fmt::format("Failed to get snapshot class with error "
                                     "volumesnapshotclass.snapshot.storage.k8s.io \"{}\" not found",
                                     class_name));
  const Object claim =
      find_claim(cluster, snapshot, text(snapshot, {"spec", "source", "persistentVolumeClaimName"}));
  if (claim == nullptr || !is_bound(*claim))
    return fail_snapshot(
        cluster, snapshot,
        fmt::format("Failed to create snapshot content with error snapshot controller failed to "
                    "update {} on API server: cannot get claim from snapshot",
                    name_of(snapshot)));
  const Object content =
      cluster.find(kContents, "", text(snapshot, {"status", "boundVolumeSnapshotContentName"}));
  if (content == nullptr)
    bind_snapshot(cluster, snapshot, *claim, *used);
  else
    take_snapshot(cluster, snapshot, *content, *claim, *used);
}

// ---- for all controllers

std::vector<Disk> disks_of(const Json& owner) {
  std::vector<Disk> disks;
  const Json& templated = items(owner, {"spec", "template", "spec", "volumes"});
  for (const Json& volume : templated.empty() ? items(owner, {"spec", "volumes"}) : templated) {
    std::string claim(text(volume, {"persistentVolumeClaim", "claimName"}));
    if (claim.empty()) claim = text(volume, {"dataVolume", "name"});
    if (!claim.empty()) disks.push_back({std::string(text(volume, {"name"})), std::move(claim)});
  }
  return disks;
}

Object find_claim(const Cluster& cluster, const Json& beside, std::string_view name) {
  return cluster.find(kClaims, ns_of(beside), name);
}

bool is_bound(const Json& claim) { return text(claim, {"status", "phase"}) == "Bound"; }

bool waits_for_consumer(const Cluster& cluster, const Json& claim) {
  const Object used = cluster.find("storageclasses", "", text(claim, {"spec", "storageClassName"}));
  return used != nullptr && text(*used, {"volumeBindingMode"}) == "WaitForFirstConsumer";
}

SnapshotClass snapshot_class_of(const Cluster& cluster, std::string_view storage_class,
                                std::string_view volume) {
  const Object used = cluster.find("storageclasses", "", storage_class);
  std::vector<Object> candidates = cluster.list("volumesnapshotclasses");
  std::erase_if(candidates, [&](const Object& each) {
    return used == nullptr || text(*each, {"driver"}) != text(*used, {"provisioner"});
  });
  if (candidates.empty())
    return {.problem = fmt::format("No VolumeSnapshotClass: Volume snapshots are not configured for this "
                                   "StorageClass [{}] [{}]",
                                   storage_class, volume)};
  for (const Object& each : candidates)
    if (candidates.size() == 1 || find(*each, {"metadata", "annotations",
                                               "snapshot.storage.kubernetes.io/is-default-class"}) != nullptr)
      return {.name = name_of(*each)};
  return {.problem =
              fmt::format("{} matching VolumeSnapshotClasses for {}", candidates.size(), storage_class)};
}

}  // namespace wukong::sandbox
