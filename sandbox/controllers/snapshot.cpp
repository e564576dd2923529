// VirtualMachineSnapshots and their contents.
#include <fmt/format.h>

#include <algorithm>

#include "sandbox/controllers/controllers.h"
#include "sandbox/controllers/disks.h"

namespace wukong::sandbox {
namespace {

constexpr std::string_view kSnapshots = "virtualmachinesnapshots";
constexpr std::string_view kContents = "virtualmachinesnapshotcontents";
constexpr std::string_view kController = "snapshot-controller";
constexpr std::string_view kProtection = "snapshot.kubevirt.io/vmsnapshot-protection";
constexpr std::string_view kContentProtection = "snapshot.kubevirt.io/vmsnapshotcontent-protection";
constexpr std::string_view kSourceProtection = "snapshot.kubevirt.io/snapshot-source-protection";

std::string content_name(const Json& snapshot) { return "vmsnapshot-content-" + uid_of(snapshot); }

Object source_of(const Cluster& cluster, const Json& snapshot) {
  return cluster.find("virtualmachines", ns_of(snapshot), text(snapshot, {"spec", "source", "name"}));
}

void show_progress(Cluster& cluster, const Json& snapshot, bool progressing, const std::string& reason) {
  cluster.edit_status(kSnapshots, snapshot, [&](Json& status) {
    set_condition(status, "Progressing", progressing ? "True" : "False", reason, cluster.timestamp());
    set_condition(status, "Ready", "False", "Not ready", cluster.timestamp());
  });
}

void begin(Cluster& cluster, const Json& snapshot) {
  cluster.add_finalizer(kSnapshots, snapshot, kProtection);
  const Object vm = source_of(cluster, snapshot);
  cluster.edit_status(kSnapshots, snapshot, [&](Json& status) {
    status["phase"] = "InProgress";
    status["readyToUse"] = false;
    if (vm != nullptr) status["sourceUID"] = uid_of(*vm);
  });
  show_progress(cluster, snapshot, false, vm == nullptr ? "Source does not exist" : "Source not locked");
}

// ---- the lock on the source

bool holds_lock(const Json& vm, const Json& snapshot) {
  return text(vm, {"status", "snapshotInProgress"}) == name_of(snapshot);
}

/// Why the source cannot be held still now; "" when it can.
std::string lock_problem(const Cluster& cluster, const Json& vm) {
  if (const std::string_view other = text(vm, {"status", "snapshotInProgress"}); !other.empty())
    return fmt::format("Source not locked snapshot \"{}\" in progress", other);
  for (const Disk& disk : disks_of(fields(vm, {"spec", "template", "spec"}))) {
    const Object claim = cluster.find("persistentvolumeclaims", ns_of(vm), disk.claim);
    const char* problem = claim == nullptr      ? "volume doesnt exist"
                          : is_deleting(*claim) ? "volume is being deleted"
                          : !is_bound(*claim)   ? "volume not bound"
                                                : "";
    if (*problem != '\0')
      return fmt::format("Source not locked source {}/{} {}: {}", ns_of(vm), name_of(vm), problem,
                         disk.claim);
  }
  return {};
}

void lock(Cluster& cluster, const Json& snapshot, const Json& vm) {
  if (const std::string problem = lock_problem(cluster, vm); !problem.empty())
    return show_progress(cluster, snapshot, false, problem);
  cluster.edit_status("virtualmachines", vm,
                      [&](Json& status) { status["snapshotInProgress"] = name_of(snapshot); });
  cluster.add_finalizer("virtualmachines", vm, kSourceProtection);
  show_progress(cluster, snapshot, true, "Source locked and operation in progress");
}

void unlock(Cluster& cluster, const Json& snapshot) {
  const Object vm = source_of(cluster, snapshot);
  if (vm == nullptr || !holds_lock(*vm, snapshot)) return;
  cluster.edit_status("virtualmachines", *vm, [](Json& status) { status.erase("snapshotInProgress"); });
  cluster.drop_finalizer("virtualmachines", *vm, kSourceProtection);
}

// ---- the content

Json backups_of(const Cluster& cluster, const Json& snapshot, const Json& vm) {
  Json backups = Json::array();
  for (const Disk& disk : disks_of(fields(vm, {"spec", "template", "spec"}))) {
    const Object claim = cluster.find("persistentvolumeclaims", ns_of(vm), disk.claim);
    if (claim == nullptr ||
        snapshot_class_of(cluster, text(*claim, {"spec", "storageClassName"}), disk.volume).name.empty())
      continue;
    backups.push_back(
        {{"volumeName", disk.volume},
         {"volumeSnapshotName", fmt::format("vmsnapshot-{}-volume-{}", uid_of(snapshot), disk.volume)},
         {"persistentVolumeClaim",
          {{"metadata", fields(*claim, {"metadata"})}, {"spec", fields(*claim, {"spec"})}}}});
  }
  return backups;
}

void create_content(Cluster& cluster, const Json& snapshot, const Json& vm) {
  const Json content = {
      {"metadata",
       {{"name", content_name(snapshot)},
        {"namespace", ns_of(snapshot)},
        {"finalizers", {kContentProtection}}}},
      {"spec",
       {{"virtualMachineSnapshotName", name_of(snapshot)},
        {"source",
         {{"virtualMachine", {{"metadata", fields(vm, {"metadata"})}, {"spec", fields(vm, {"spec"})}}}}},
        {"volumeBackups", backups_of(cluster, snapshot, vm)}}}};
  if (!cluster.create(kind_named(kContents), content)) return;
  cluster.tell(snapshot, "Normal", "SuccessfulVirtualMachineSnapshotContentCreate",
               "Successfully created VirtualMachineSnapshotContent " + content_name(snapshot), kController);
  const Object vmi = cluster.find("virtualmachineinstances", ns_of(vm), name_of(vm));
  cluster.edit_status(kSnapshots, snapshot, [&](Json& status) {
    status["virtualMachineSnapshotContentName"] = content_name(snapshot);
    if (vmi == nullptr) return;
    const bool agent = condition(*vmi, "AgentConnected") != nullptr;
    status["indications"] = {agent ? "GuestAgent" : "NoGuestAgent", "Online"};
    status["sourceIndications"] = {
        {{"indication", agent ? "GuestAgent" : "NoGuestAgent"},
         {"message", agent ? "Guest agent was available and quiesced the file systems."
                           : "Guest agent was not available. Snapshot is crash-consistent and may not be "
                             "application-consistent."}},
        {{"indication", "Online"},
         {"message",
          "Snapshot taken while the VM was running. Consistency depends on guest-agent quiescing."}}};
  });
}

void create_volume_snapshot(Cluster& cluster, const Json& content, const Json& backup) {
  const Json& claim = fields(backup, {"persistentVolumeClaim"});
  const std::string_view storage_class = text(claim, {"spec", "storageClassName"});
  const std::string name(text(backup, {"volumeSnapshotName"}));
  const Json snapshot = {{"metadata",
                          {{"name", name},
                           {"namespace", ns_of(content)},
                           {"labels",
                            {{"snapshot.kubevirt.io/source-vm-name",
                              text(content, {"spec", "source", "virtualMachine", "metadata", "name"})},
                             {"snapshot.kubevirt.io/source-vm-namespace", ns_of(content)}}},
                           {"ownerReferences", {owner_reference(content)}}}},
                         {"spec",
                          {{"source", {{"persistentVolumeClaimName", text(claim, {"metadata", "name"})}}},
                           {"volumeSnapshotClassName", snapshot_class_of(cluster, storage_class, "").name}}}};
  if (cluster.create(kind_named("volumesnapshots"), snapshot))
    cluster.tell(content, "Normal", "SuccessfulVolumeSnapshotCreate",
                 "Successfully created VolumeSnapshot " + name, kController);
}

// ---- its ends

void finish(Cluster& cluster, const Json& snapshot, const Json& content) {
  Json included = Json::array();
  Json excluded = Json::array();
  for (const Json& backup : items(content, {"spec", "volumeBackups"}))
    included.push_back(backup["volumeName"]);
  for (const Json& volume :
       items(content, {"spec", "source", "virtualMachine", "spec", "template", "spec", "volumes"}))
    if (std::find(included.begin(), included.end(), volume["name"]) == included.end())
      excluded.push_back(volume["name"]);
  cluster.edit_status(kSnapshots, snapshot, [&](Json& status) {
    status["phase"] = "Succeeded";
    status["readyToUse"] = true;
    status["creationTime"] = text(content, {"status", "creationTime"});
    status.erase("error");
    status["snapshotVolumes"] = Json::object();
    if (!included.empty()) status["snapshotVolumes"]["includedVolumes"] = included;
    if (!excluded.empty()) status["snapshotVolumes"]["excludedVolumes"] = excluded;
    set_condition(status, "Progressing", "False", "Operation complete", cluster.timestamp());
    set_condition(status, "Ready", "True", "Ready", cluster.timestamp());
  });
  unlock(cluster, snapshot);
}

void fail(Cluster& cluster, const Json& snapshot) {
  cluster.edit_status(kSnapshots, snapshot, [&](Json& status) {
    status["phase"] = "Failed";
    set_condition(status, "Progressing", "False",
                  status.contains("error") ? "In error state" : "Operation failed", cluster.timestamp());
    set_condition(status, "Ready", "False", "Not ready", cluster.timestamp());
    set_condition(status, "Failure", "True", "snapshot deadline exceeded", cluster.timestamp());
  });
  if (const Object content = cluster.find(kContents, ns_of(snapshot), content_name(snapshot)))
    cluster.remove(kContents, *content);
  unlock(cluster, snapshot);
}

void end(Cluster& cluster, const Json& snapshot) {
  const bool retain =
      text(snapshot, {"spec", "deletionPolicy"}) == "Retain" && flag(snapshot, {"status", "readyToUse"});
  const Object content = cluster.find(kContents, ns_of(snapshot), content_name(snapshot));
  if (content != nullptr && !retain) cluster.remove(kContents, *content);
  unlock(cluster, snapshot);
  cluster.drop_finalizer(kSnapshots, snapshot, kProtection);
}

void follow_content(Cluster& cluster, const Json& snapshot, const Json& content) {
  if (flag(content, {"status", "readyToUse"})) return finish(cluster, snapshot, content);
  const Json* error = find(content, {"status", "error"});
  if (error == nullptr) return;
  cluster.edit_status(kSnapshots, snapshot, [&](Json& status) {
    status["error"] = *error;
    set_condition(status, "Progressing", "False", "In error state", cluster.timestamp());
  });
}

Millis deadline_of(const Json& snapshot) {
  const auto told = parse_duration(text(snapshot, {"spec", "failureDeadline"}));
  return told ? std::chrono::duration_cast<Millis>(*told) : std::chrono::minutes(5);
}

}  // namespace

void step_snapshot(Cluster& cluster, const Json& snapshot) {
  if (is_deleting(snapshot)) return end(cluster, snapshot);
  const std::string_view phase = text(snapshot, {"status", "phase"});
  if (phase == "Failed" || phase == "Succeeded") return;
  if (phase.empty()) return begin(cluster, snapshot);
  const Millis deadline = deadline_of(snapshot);
  if (deadline.count() > 0 && cluster.waited(snapshot, "deadline", deadline)) return fail(cluster, snapshot);
  const Object vm = source_of(cluster, snapshot);
  if (vm == nullptr) return show_progress(cluster, snapshot, false, "Source does not exist");
  if (!holds_lock(*vm, snapshot)) return lock(cluster, snapshot, *vm);
  const Object content = cluster.find(kContents, ns_of(snapshot), content_name(snapshot));
  if (content == nullptr)
    create_content(cluster, snapshot, *vm);
  else
    follow_content(cluster, snapshot, *content);
}

void step_snapshot_content(Cluster& cluster, const Json& content) {
  if (is_deleting(content)) return cluster.drop_finalizer(kContents, content, kContentProtection);
  if (flag(content, {"status", "readyToUse"})) return;
  Json statuses = Json::array();
  Json error = nullptr;
  bool ready = true;
  for (const Json& backup : items(content, {"spec", "volumeBackups"})) {
    const std::string name(text(backup, {"volumeSnapshotName"}));
    const Object snapshot = cluster.find("volumesnapshots", ns_of(content), name);
    if (snapshot == nullptr) create_volume_snapshot(cluster, content, backup);
    Json status = {{"volumeSnapshotName", name}};
    if (snapshot != nullptr)
      for (const char* field : {"creationTime", "readyToUse", "error"})
        if (const Json* value = find(*snapshot, {"status", field})) status[field] = *value;
    if (status.contains("error"))
      error = {
          {"message", fmt::format("VolumeSnapshot {} error: {}", name, text(status, {"error", "message"}))},
          {"time", status["error"]["time"]}};
    ready = ready && flag(status, {"readyToUse"});
    statuses.push_back(std::move(status));
  }
  cluster.edit_status(kContents, content, [&](Json& status) {
    status["readyToUse"] = ready;
    if (!statuses.empty()) status["volumeSnapshotStatus"] = std::move(statuses);
    if (ready) status["creationTime"] = cluster.timestamp();
    if (error.is_null())
      status.erase("error");
    else
      status["error"] = error;
  });
}

}  // namespace wukong::sandbox
