// VirtualMachineSnapshots and their contents.
#include <fmt/format.h>

#include <algorithm>

#include "sandbox/controllers/controllers.h"

namespace wukong::sandbox {
namespace {

constexpr std::string_view kSnapshots = "virtualmachinesnapshots";
constexpr std::string_view kContents = "virtualmachinesnapshotcontents";
constexpr std::string_view kVms = "virtualmachines";
constexpr std::string_view kController = "snapshot-controller";
constexpr std::string_view kProtection = "snapshot.kubevirt.io/vmsnapshot-protection";
constexpr std::string_view kContentProtection = "snapshot.kubevirt.io/vmsnapshotcontent-protection";
constexpr std::string_view kSourceProtection = "snapshot.kubevirt.io/snapshot-source-protection";
constexpr Condition kNotReady{"Ready", "False", "Not ready"};

std::string content_name(const Json& snapshot) { return "vmsnapshot-content-" + uid_of(snapshot); }

Object source_of(const Cluster& cluster, const Json& snapshot) {
  return cluster.find(kVms, ns_of(snapshot), text(snapshot, {"spec", "source", "name"}));
}

Object content_of(const Cluster& cluster, const Json& snapshot) {
  return cluster.find(kContents, ns_of(snapshot), content_name(snapshot));
}

/// What a snapshot of a running VM says about its consistency.
Json indications_of(const Json& vmi) {
  const bool agent = condition(vmi, "AgentConnected") != nullptr;
  const char* name = agent ? "GuestAgent" : "NoGuestAgent";
  const Json first = {{"indication", name},
                      {"message", agent ? "Guest agent was available and quiesced the file systems."
                                        : "Guest agent was not available. Snapshot is crash-consistent and "
                                          "may not be application-consistent."}};
  const Json second = {
      {"indication", "Online"},
      {"message", "Snapshot taken while the VM was running. Consistency depends on guest-agent quiescing."}};
  return {{"indications", {name, "Online"}}, {"sourceIndications", Json::array({first, second})}};
}

void begin(Cluster& cluster, const Json& snapshot, const Json* vm) {
  cluster.add_finalizer(kSnapshots, snapshot, kProtection);
  Json status = {{"phase", "InProgress"}, {"readyToUse", false}};
  if (vm != nullptr) status["sourceUID"] = uid_of(*vm);
  if (vm != nullptr)
    if (const Object vmi = cluster.find("virtualmachineinstances", ns_of(*vm), name_of(*vm)))
      status.update(indications_of(*vmi));
  const char* why = vm == nullptr ? "Source does not exist" : "Source not locked";
  cluster.show(kSnapshots, snapshot, {{"Progressing", "False", why}, kNotReady}, std::move(status));
}

// ---- the lock on the source

/// Why the source cannot be held still now; "" when it can.
std::string lock_problem(const Cluster& cluster, const Json& vm) {
  if (const std::string_view other = text(vm, {"status", "snapshotInProgress"}); !other.empty())
    return fmt::format("Source not locked snapshot \"{}\" in progress", other);
  for (const Disk& disk : disks_of(vm)) {
    const Object claim = find_claim(cluster, vm, disk.claim);
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
    return cluster.show(kSnapshots, snapshot, {{"Progressing", "False", problem}, kNotReady});
  cluster.merge_status(kVms, vm, {{"snapshotInProgress", name_of(snapshot)}});
  cluster.add_finalizer(kVms, vm, kSourceProtection);
  cluster.show(kSnapshots, snapshot,
               {{"Progressing", "True", "Source locked and operation in progress"}, kNotReady});
}

bool holds_lock(const Json& vm, const Json& snapshot) {
  return text(vm, {"status", "snapshotInProgress"}) == name_of(snapshot);
}

void unlock(Cluster& cluster, const Json& snapshot) {
  const Object vm = source_of(cluster, snapshot);
  if (vm == nullptr || !holds_lock(*vm, snapshot)) return;
  cluster.drop_finalizer(kVms, *vm, kSourceProtection);
  cluster.merge_status(kVms, *vm, {{"snapshotInProgress", nullptr}});
}

// ---- the content

Json backups_of(const Cluster& cluster, const Json& snapshot, const Json& vm) {
  Json backups = Json::array();
  for (const Disk& disk : disks_of(vm)) {
    const Object claim = find_claim(cluster, vm, disk.claim);
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
  cluster.merge_status(kSnapshots, snapshot, {{"virtualMachineSnapshotContentName", content_name(snapshot)}});
}

void create_volume_snapshot(Cluster& cluster, const Json& content, const Json& backup) {
  const Json& claim = fields(backup, {"persistentVolumeClaim"});
  const std::string name(text(backup, {"volumeSnapshotName"}));
  const auto used = snapshot_class_of(cluster, text(claim, {"spec", "storageClassName"}), "");
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
                           {"volumeSnapshotClassName", used.name}}}};
  if (cluster.create(kind_named("volumesnapshots"), snapshot))
    cluster.tell(content, "Normal", "SuccessfulVolumeSnapshotCreate",
                 "Successfully created VolumeSnapshot " + name, kController);
}

// ---- its ends

/// The names of the VM's volumes that the snapshot holds, and of those it does not.
Json snapshot_volumes(const Json& content) {
  Json volumes = Json::object();
  const Json& backups = items(content, {"spec", "volumeBackups"});
  const Json& vm = fields(content, {"spec", "source", "virtualMachine"});
  for (const Json& volume : items(vm, {"spec", "template", "spec", "volumes"})) {
    const bool included = std::any_of(backups.begin(), backups.end(), [&](const Json& each) {
      return text(each, {"volumeName"}) == text(volume, {"name"});
    });
    volumes[included ? "includedVolumes" : "excludedVolumes"].push_back(volume["name"]);
  }
  return volumes;
}

void finish(Cluster& cluster, const Json& snapshot, const Json& content) {
  unlock(cluster, snapshot);
  cluster.show(kSnapshots, snapshot,
               {{"Progressing", "False", "Operation complete"}, {"Ready", "True", "Ready"}},
               {{"phase", "Succeeded"},
                {"readyToUse", true},
                {"creationTime", text(content, {"status", "creationTime"})},
                {"error", nullptr},
                {"snapshotVolumes", snapshot_volumes(content)}});
}

void fail(Cluster& cluster, const Json& snapshot) {
  const bool had_error = find(snapshot, {"status", "error"}) != nullptr;
  cluster.show(kSnapshots, snapshot,
               {{"Progressing", "False", had_error ? "In error state" : "Operation failed"},
                kNotReady,
                {"Failure", "True", "snapshot deadline exceeded"}},
               {{"phase", "Failed"}});
  if (const Object content = content_of(cluster, snapshot)) cluster.remove(kContents, *content);
  unlock(cluster, snapshot);
}

void end(Cluster& cluster, const Json& snapshot) {
  const bool retain =
      text(snapshot, {"spec", "deletionPolicy"}) == "Retain" && flag(snapshot, {"status", "readyToUse"});
  if (text(snapshot, {"status", "phase"}) == "InProgress")
    cluster.show(kSnapshots, snapshot, {{"Progressing", "False", "VM snapshot is deleting"}},
                 {{"phase", "Deleting"}});
  const Object content = content_of(cluster, snapshot);
  if (content != nullptr && !retain) cluster.remove(kContents, *content);
  unlock(cluster, snapshot);
  cluster.drop_finalizer(kSnapshots, snapshot, kProtection);
}

void follow_content(Cluster& cluster, const Json& snapshot, const Json& content) {
  if (flag(content, {"status", "readyToUse"})) return finish(cluster, snapshot, content);
  if (const Json* error = find(content, {"status", "error"}))
    cluster.show(kSnapshots, snapshot, {{"Progressing", "False", "In error state"}}, {{"error", *error}});
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
  const Object vm = source_of(cluster, snapshot);
  if (phase.empty()) return begin(cluster, snapshot, vm.get());
  const Millis deadline = deadline_of(snapshot);
  if (deadline.count() > 0 && cluster.waited(snapshot, "deadline", deadline)) return fail(cluster, snapshot);
  if (vm == nullptr)
    return cluster.show(kSnapshots, snapshot, {{"Progressing", "False", "Source does not exist"}, kNotReady});
  if (!holds_lock(*vm, snapshot)) return lock(cluster, snapshot, *vm);
  const Object content = content_of(cluster, snapshot);
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
  cluster.merge_status(kContents, content,
                       {{"readyToUse", ready},
                        {"volumeSnapshotStatus", statuses.empty() ? Json(nullptr) : std::move(statuses)},
                        {"creationTime", ready ? Json(cluster.timestamp()) : Json(nullptr)},
                        {"error", error}});
}

}  // namespace wukong::sandbox
