// What the CSI provisioner, the snapshotter and the volume binder do.
#include <fmt/format.h>

#include <algorithm>

#include "base/quantity.h"
#include "sandbox/controllers/controllers.h"
#include "sandbox/controllers/disks.h"

namespace wukong::sandbox {
namespace {

constexpr std::string_view kProtection = "kubernetes.io/pvc-protection";
constexpr std::string_view kAsSource = "snapshot.storage.kubernetes.io/volumesnapshot-as-source-protection";
constexpr std::string_view kBoundSnapshot = "snapshot.storage.kubernetes.io/volumesnapshot-bound-protection";
constexpr std::string_view kProvisioner = "sandbox-provisioner";
constexpr std::string_view kSnapshotter = "snapshot-controller";

std::string_view class_of(const Json& claim) { return text(claim, {"spec", "storageClassName"}); }

std::int64_t size_of(std::string_view words) {
  const auto bytes = parse_quantity(words);
  return bytes ? bytes->count : 0;
}

/// Large disks take longer, so that they do not end all at once.
Millis copying_time(std::string_view size, Millis least, Millis per_gib) {
  return least + per_gib * (size_of(size) >> 30U);
}

bool is_used(const Cluster& cluster, const Json& claim) {
  for (const Object& vmi : cluster.list("virtualmachineinstances", ns_of(claim)))
    for (const Disk& disk : disks_of(fields(*vmi, {"spec"})))
      if (disk.claim == name_of(claim)) return true;
  return false;
}

std::string content_of_claim(const Cluster& cluster, const Json& claim) {
  const Object volume = cluster.find("persistentvolumes", "", text(claim, {"spec", "volumeName"}));
  return volume == nullptr ? "" : std::string(text(*volume, {"metadata", "annotations", kContent}));
}

/// The data that a new volume will hold, or why it cannot be made now.
struct Data {
  std::string content{};
  std::string problem{};
};

Data data_of_snapshot(const Cluster& cluster, const Json& claim, const std::string& name) {
  const Object snapshot = cluster.find("volumesnapshots", ns_of(claim), name);
  if (snapshot == nullptr)
    return {.problem = fmt::format("error getting snapshot {} from api server: "
                                   "volumesnapshots.snapshot.storage.k8s.io \"{}\" not found",
                                   name, name)};
  if (is_deleting(*snapshot)) return {.problem = fmt::format("snapshot {} is currently being deleted", name)};
  const std::string_view bound = text(*snapshot, {"status", "boundVolumeSnapshotContentName"});
  const Object content = cluster.find("volumesnapshotcontents", "", bound);
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
  const std::string name(text(claim, {"spec", "dataSource", "name"}));
  const std::string_view kind = text(claim, {"spec", "dataSource", "kind"});
  if (kind == "VolumeSnapshot") {
    Data data = data_of_snapshot(cluster, claim, name);
    if (!data.problem.empty())
      data.problem = fmt::format("error getting handle for DataSource Type VolumeSnapshot by Name {}: {}",
                                 name, data.problem);
    return data;
  }
  if (kind == "PersistentVolumeClaim") {
    const Object source = cluster.find("persistentvolumeclaims", ns_of(claim), name);
    if (source == nullptr || !is_bound(*source))
      return {.problem = fmt::format("claim in dataSource not bound: {}", name)};
    return {.content = content_of_claim(cluster, *source)};
  }
  return {.content = "blank-" + uid_of(claim)};
}

void bind(Cluster& cluster, const Json& claim, const Json& storage_class, const std::string& content) {
  const std::string name = "pvc-" + uid_of(claim);
  const Json& spec = fields(claim, {"spec"});
  const std::string driver(text(storage_class, {"provisioner"}));
  Json reclaim = "Delete";
  if (const Json* told = find(storage_class, {"reclaimPolicy"})) reclaim = *told;
  const Json volume = {
      {"metadata",
       {{"name", name}, {"annotations", {{"pv.kubernetes.io/provisioned-by", driver}, {kContent, content}}}}},
      {"spec",
       {{"capacity", fields(spec, {"resources", "requests"})},
        {"accessModes", items(spec, {"accessModes"})},
        {"claimRef",
         {{"kind", "PersistentVolumeClaim"},
          {"apiVersion", "v1"},
          {"namespace", ns_of(claim)},
          {"name", name_of(claim)},
          {"uid", uid_of(claim)}}},
        {"csi", {{"driver", driver}, {"volumeHandle", uid_of(claim)}}},
        {"persistentVolumeReclaimPolicy", reclaim},
        {"storageClassName", class_of(claim)},
        {"volumeMode", text(spec, {"volumeMode"})}}}};
  const auto made = cluster.create(kind_named("persistentvolumes"), volume);
  if (!made) return;
  cluster.edit_status("persistentvolumes", **made, [](Json& status) { status["phase"] = "Bound"; });
  cluster.edit("persistentvolumeclaims", claim, [&](Json& next) {
    next["spec"]["volumeName"] = name;
    Json& annotations = next["metadata"]["annotations"];
    for (const char* mark : {"pv.kubernetes.io/bind-completed", "pv.kubernetes.io/bound-by-controller"})
      annotations[mark] = "yes";
    annotations["volume.kubernetes.io/storage-provisioner"] = driver;
  });
  cluster.edit_status("persistentvolumeclaims", claim, [&](Json& status) {
    status = {{"phase", "Bound"},
              {"accessModes", items(spec, {"accessModes"})},
              {"capacity", fields(spec, {"resources", "requests"})}};
  });
  cluster.tell(claim, "Normal", "ProvisioningSucceeded",
               fmt::format("Successfully provisioned volume {}", name), kProvisioner);
}

void complain(Cluster& cluster, const Json& claim, const std::string& problem, std::string_view component) {
  if (cluster.due(claim, "complain", Millis(4000)))
    cluster.tell(claim, "Warning", "ProvisioningFailed", problem, component);
}

void provision(Cluster& cluster, const Json& claim, const Json& storage_class) {
  const Data data = data_for(cluster, claim, storage_class);
  if (!data.problem.empty()) {
    complain(
        cluster, claim,
        fmt::format("failed to provision volume with StorageClass \"{}\": {}", class_of(claim), data.problem),
        kProvisioner);
    return;
  }
  const Millis time =
      copying_time(text(claim, {"spec", "resources", "requests", "storage"}), Millis(1800), Millis(80));
  if (cluster.waited(claim, "provision", delay_of(storage_class, time)))
    bind(cluster, claim, storage_class, data.content);
}

// ---- VolumeSnapshots

/// A claim that is still to be filled from the snapshot.
bool is_needed(const Cluster& cluster, const Json& snapshot) {
  for (const Object& claim : cluster.list("persistentvolumeclaims", ns_of(snapshot)))
    if (!is_bound(*claim) && text(*claim, {"spec", "dataSource", "kind"}) == "VolumeSnapshot" &&
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
  const Object content = cluster.find("volumesnapshotcontents", "",
                                      text(snapshot, {"status", "boundVolumeSnapshotContentName"}));
  if (content != nullptr && text(*content, {"spec", "deletionPolicy"}) == "Delete")
    cluster.remove("volumesnapshotcontents", *content);
  cluster.drop_finalizer("volumesnapshots", snapshot, kAsSource);
  cluster.drop_finalizer("volumesnapshots", snapshot, kBoundSnapshot);
}

void fail_snapshot(Cluster& cluster, const Json& snapshot, const std::string& message) {
  cluster.edit_status("volumesnapshots", snapshot, [&](Json& status) {
    status["readyToUse"] = false;
    if (text(status, {"error", "message"}) != message)
      status["error"] = {{"message", message}, {"time", cluster.timestamp()}};
  });
}

void bind_snapshot(Cluster& cluster, const Json& snapshot, const Json& claim, const Json& snapshot_class) {
  const std::string name = "snapcontent-" + uid_of(snapshot);
  const Json content = {
      {"metadata", {{"name", name}, {"annotations", {{kContent, content_of_claim(cluster, claim)}}}}},
      {"spec",
       {{"deletionPolicy", text(snapshot_class, {"deletionPolicy"})},
        {"driver", text(snapshot_class, {"driver"})},
        {"source", {{"volumeHandle", uid_of(claim)}}},
        {"volumeSnapshotClassName", name_of(snapshot_class)},
        {"volumeSnapshotRef",
         {{"kind", "VolumeSnapshot"},
          {"namespace", ns_of(snapshot)},
          {"name", name_of(snapshot)},
          {"uid", uid_of(snapshot)}}}}}};
  if (!cluster.create(kind_named("volumesnapshotcontents"), content)) return;
  cluster.add_finalizer("volumesnapshots", snapshot, kAsSource);
  cluster.add_finalizer("volumesnapshots", snapshot, kBoundSnapshot);
  cluster.edit_status("volumesnapshots", snapshot, [&](Json& status) {
    status["boundVolumeSnapshotContentName"] = name;
    status["readyToUse"] = false;
  });
}

void take_snapshot(Cluster& cluster, const Json& snapshot, const Json& content, const Json& claim,
                   const Json& snapshot_class) {
  const std::string size(text(claim, {"status", "capacity", "storage"}));
  if (const std::string_view fail = text(snapshot_class, {"parameters", "fail"}); !fail.empty()) {
    const bool again = cluster.waited(snapshot, "first failure", Millis(1000));
    fail_snapshot(cluster, snapshot,
                  fmt::format("Failed to {} of the volume {}: \"rpc error: code = Internal desc = {}\"",
                              again ? "check and update snapshot content: failed to take snapshot"
                                    : "create snapshot: failed to take snapshot",
                              uid_of(claim), fail));
    return;
  }
  if (!cluster.waited(snapshot, "take",
                      delay_of(snapshot_class, copying_time(size, Millis(1800), Millis(20)))))
    return;
  const auto finish = [&](Json& status) {
    status.erase("error");
    status["creationTime"] = cluster.timestamp();
    status["readyToUse"] = true;
    status["restoreSize"] = size;
  };
  cluster.edit_status("volumesnapshotcontents", content, finish);
  cluster.edit_status("volumesnapshots", snapshot, finish);
}

}  // namespace

void step_claim(Cluster& cluster, const Json& claim) {
  if (is_deleting(claim)) {
    if (!is_used(cluster, claim)) cluster.drop_finalizer("persistentvolumeclaims", claim, kProtection);
    return;
  }
  if (text(claim, {"status", "phase"}) != "Pending") return;
  const Object used = cluster.find("storageclasses", "", class_of(claim));
  if (used == nullptr) {
    complain(cluster, claim, fmt::format("storageclass.storage.k8s.io \"{}\" not found", class_of(claim)),
             "persistentvolume-controller");
    return;
  }
  const bool waits =
      waits_for_consumer(cluster, claim) && text(claim, {"metadata", "annotations", kSelectedNode}).empty();
  if (!waits) return provision(cluster, claim, *used);
  if (cluster.due(claim, "consumer", Millis(15'000)))
    cluster.tell(claim, "Normal", "WaitForFirstConsumer",
                 "waiting for first consumer to be created before binding", "persistentvolume-controller");
}

void step_volume(Cluster& cluster, const Json& volume) {
  const Object claim = cluster.find("persistentvolumeclaims", text(volume, {"spec", "claimRef", "namespace"}),
                                    text(volume, {"spec", "claimRef", "name"}));
  if (claim != nullptr && uid_of(*claim) == text(volume, {"spec", "claimRef", "uid"})) return;
  if (text(volume, {"spec", "persistentVolumeReclaimPolicy"}) == "Delete")
    cluster.remove("persistentvolumes", volume);
  else
    cluster.edit_status("persistentvolumes", volume, [](Json& status) { status["phase"] = "Released"; });
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
  const Object claim = cluster.find("persistentvolumeclaims", ns_of(snapshot),
                                    text(snapshot, {"spec", "source", "persistentVolumeClaimName"}));
  if (claim == nullptr || !is_bound(*claim))
    return fail_snapshot(
        cluster, snapshot,
        fmt::format("Failed to create snapshot content with error snapshot controller failed to "
                    "update {} on API server: cannot get claim from snapshot",
                    name_of(snapshot)));
  const Object content = cluster.find("volumesnapshotcontents", "",
                                      text(snapshot, {"status", "boundVolumeSnapshotContentName"}));
  if (content == nullptr)
    bind_snapshot(cluster, snapshot, *claim, *used);
  else
    take_snapshot(cluster, snapshot, *content, *claim, *used);
}

}  // namespace wukong::sandbox
