// VirtualMachineClones: a temporary snapshot, restored to a new VM.
#include <fmt/format.h>

#include <algorithm>
#include <regex>

#include "sandbox/controllers/controllers.h"

namespace wukong::sandbox {
namespace {

constexpr std::string_view kClones = "virtualmachineclones";
constexpr std::string_view kSnapshots = "virtualmachinesnapshots";
constexpr std::string_view kRestores = "virtualmachinerestores";

std::string target_of(const Json& clone) { return std::string(text(clone, {"spec", "target", "name"})); }
bool is_from_vm(const Json& clone) { return text(clone, {"spec", "source", "kind"}) == "VirtualMachine"; }

Object source_of(const Cluster& cluster, const Json& clone) {
  return cluster.find(is_from_vm(clone) ? "virtualmachines" : kSnapshots, ns_of(clone),
                      text(clone, {"spec", "source", "name"}));
}

std::string snapshot_name(const Json& clone) {
  return is_from_vm(clone) ? "tmp-snapshot-" + uid_of(clone)
                           : std::string(text(clone, {"spec", "source", "name"}));
}

void tell(Cluster& cluster, const Json& clone, std::string_view reason, const std::string& message,
          std::string_view type = "Normal") {
  cluster.tell(clone, type, reason, message, "clone-controller");
}

void show_waiting(Cluster& cluster, const Json& clone, std::string_view event, const std::string& why) {
  cluster.show(kClones, clone, {{"Progressing", "False", "Pending"}, {"Ready", "False", why}});
  if (cluster.due(clone, event, Millis(60'000))) tell(cluster, clone, event, why);
}

void show_phase(Cluster& cluster, const Json& clone, std::string_view phase, const char* child,
                const Json& name) {
  cluster.show(kClones, clone,
               {{"Progressing", "True", "Still processing"}, {"Ready", "False", "Still processing"}},
               {{"phase", phase}, {child, name}});
}

// ---- what the target shall have that the source has not

std::string escape(std::string key) {
  for (std::size_t i = 0; i < key.size(); ++i)
    if (key[i] == '~' || key[i] == '/') key.replace(i, 1, key[i] == '~' ? "~0" : "~1");
  return key;
}

/// Filters are unanchored regular expressions; only a lone * is special.
bool is_match(const std::string& filter, const std::string& key) {
  if (filter == "*") return true;
  try {
    return std::regex_search(key, std::regex(filter));
  } catch (const std::regex_error&) {
    return false;
  }
}

bool is_kept(const Json& filters, const std::string& key) {
  bool kept = false;
  for (const Json& each : filters) {
    const std::string filter = each.is_string() ? each.get<std::string>() : "";
    if (filter.starts_with('!')) {
      if (is_match(filter.substr(1), key)) return false;
    } else {
      kept = kept || is_match(filter, key);
    }
  }
  return kept;
}

void add_patch(Json& patches, const char* op, const std::string& path, const Json& value) {
  patches.push_back(dump({{"op", op}, {"path", path}, {"value", value}}));
}

void filter(Json& patches, const Json* filters, const Json& map, const std::string& path) {
  if (filters == nullptr || !filters->is_array()) return;
  for (const auto& [key, value] : map.items())
    if (!is_kept(*filters, key)) add_patch(patches, "remove", path + "/" + escape(key), nullptr);
}

Json patches_for(const Json& clone, const Json& vm) {
  Json patches = Json::array();
  const Json& domain = fields(vm, {"spec", "template", "spec", "domain"});
  const std::string base = "/spec/template/spec/domain";
  const Json& interfaces = items(domain, {"devices", "interfaces"});
  for (std::size_t i = 0; i < interfaces.size(); ++i)
    add_patch(patches, "replace", fmt::format("{}/devices/interfaces/{}/macAddress", base, i),
              text(clone, {"spec", "newMacAddresses", text(interfaces[i], {"name"})}));
  if (domain.contains("firmware"))
    add_patch(patches, "replace", base + "/firmware/serial", text(clone, {"spec", "newSMBiosSerial"}));
  filter(patches, find(clone, {"spec", "labelFilters"}), fields(vm, {"metadata", "labels"}),
         "/metadata/labels");
  filter(patches, find(clone, {"spec", "annotationFilters"}), fields(vm, {"metadata", "annotations"}),
         "/metadata/annotations");
  filter(patches, find(clone, {"spec", "template", "labelFilters"}),
         fields(vm, {"spec", "template", "metadata", "labels"}), "/spec/template/metadata/labels");
  filter(patches, find(clone, {"spec", "template", "annotationFilters"}),
         fields(vm, {"spec", "template", "metadata", "annotations"}), "/spec/template/metadata/annotations");
  if (domain.contains("firmware")) add_patch(patches, "replace", base + "/firmware/uuid", "");
  for (const Json& patch : items(clone, {"spec", "patches"})) patches.push_back(patch);
  return patches;
}

// ---- stages

/// A disk that cannot be snapshotted holds the clone up for ever. "" when there is none.
std::string disk_problem(const Json& vm) {
  const auto disks = disks_of(vm);
  for (const Json& status : items(vm, {"status", "volumeSnapshotStatuses"})) {
    const std::string_view name = text(status, {"name"});
    const bool is_disk =
        std::any_of(disks.begin(), disks.end(), [&](const Disk& disk) { return disk.volume == name; });
    if (is_disk && !flag(status, {"enabled"}))
      return fmt::format("Virtual Machine volume {} does not support snapshots", name);
  }
  return {};
}

void begin(Cluster& cluster, const Json& clone, const Json& source) {
  const std::string name = snapshot_name(clone);
  if (!is_from_vm(clone))
    return show_phase(cluster, clone, "SnapshotInProgress", "targetName", target_of(clone));
  if (const std::string problem = disk_problem(source); !problem.empty())
    return show_waiting(cluster, clone, "VMVolumeSnapshotsInvalid", problem);
  const Json snapshot = {
      {"metadata",
       {{"name", name}, {"namespace", ns_of(clone)}, {"ownerReferences", {owner_reference(clone)}}}},
      {"spec",
       {{"source", {{"apiGroup", "kubevirt.io"}, {"kind", "VirtualMachine"}, {"name", name_of(source)}}}}}};
  if (!cluster.create(kind_named(kSnapshots), snapshot)) {
    (void)cluster.due(clone, "refused", Millis(3000));  // tried again, without a word why
    return show_phase(cluster, clone, "SnapshotInProgress", "snapshotName", nullptr);
  }
  tell(cluster, clone, "SnapshotCreated",
       fmt::format("created snapshot {} for clone {}", name, name_of(clone)));
  show_phase(cluster, clone, "SnapshotInProgress", "snapshotName", name);
}

/// The VM as the snapshot holds it, or nullptr.
const Json* snapshotted_vm(const Object& content) {
  return content == nullptr ? nullptr : find(*content, {"spec", "source", "virtualMachine"});
}

void create_restore(Cluster& cluster, const Json& clone, const Json& snapshot) {
  const Object content = cluster.find("virtualmachinesnapshotcontents", ns_of(clone),
                                      text(snapshot, {"status", "virtualMachineSnapshotContentName"}));
  const Json* vm = snapshotted_vm(content);
  if (vm == nullptr) return;
  const std::string name = "tmp-restore-" + uid_of(clone);
  Json restore = {
      {"metadata",
       {{"name", name}, {"namespace", ns_of(clone)}, {"ownerReferences", {owner_reference(clone)}}}},
      {"spec",
       {{"target", clone["spec"]["target"]},
        {"virtualMachineSnapshotName", name_of(snapshot)},
        {"patches", patches_for(clone, *vm)}}}};
  if (const Json* policy = find(clone, {"spec", "volumeNamePolicy"}))
    restore["spec"]["volumeRestorePolicy"] = *policy;
  const auto made = cluster.create(kind_named(kRestores), restore);
  if (!made) {
    cluster.merge_status(kClones, clone, {{"phase", "RestoreInProgress"}});
    if (cluster.due(clone, "refused", Millis(3000)))
      tell(cluster, clone, "RestoreCreationFailed",
           fmt::format("failed creating restore {} for clone {}: {}", name, name_of(clone),
                       made.error().message),
           "Warning");
    return;
  }
  tell(cluster, clone, "RestoreCreated",
       fmt::format("created restore {} for clone {}", name, name_of(clone)));
  show_phase(cluster, clone, "RestoreInProgress", "restoreName", name);
}

void await_snapshot(Cluster& cluster, const Json& clone) {
  const std::string name = snapshot_name(clone);
  const Object snapshot = cluster.find(kSnapshots, ns_of(clone), name);
  if (snapshot == nullptr) {
    // KubeVirt leaves the conditions as they are.
    tell(cluster, clone, "SnapshotDeleted", fmt::format("snapshot {} does not exist anymore", name));
    return cluster.merge_status(kClones, clone, {{"phase", "Failed"}});
  }
  if (!flag(*snapshot, {"status", "readyToUse"})) return;
  tell(cluster, clone, "SnapshotReady",
       fmt::format("snapshot {} for clone {} is ready to use", name, name_of(clone)));
  create_restore(cluster, clone, *snapshot);
}

bool are_claims_bound(const Cluster& cluster, const Json& restore) {
  const Json& restores = items(restore, {"status", "restores"});
  return std::all_of(restores.begin(), restores.end(), [&](const Json& each) {
    const Object claim = find_claim(cluster, restore, text(each, {"persistentVolumeClaim"}));
    return claim != nullptr && is_bound(*claim);
  });
}

/// The target is there; once all claims are bound, the temporary objects go.
void finish(Cluster& cluster, const Json& clone) {
  Json status = {{"phase", "Succeeded"}, {"targetName", target_of(clone)}};
  const Object restore = cluster.find(kRestores, ns_of(clone), "tmp-restore-" + uid_of(clone));
  if (restore != nullptr && are_claims_bound(cluster, *restore)) {
    tell(cluster, clone, "PVCBound", fmt::format("all PVC for clone {} are bound", name_of(clone)));
    cluster.remove(kRestores, *restore);
    const Object snapshot = cluster.find(kSnapshots, ns_of(clone), snapshot_name(clone));
    if (snapshot != nullptr && is_from_vm(clone)) cluster.remove(kSnapshots, *snapshot);
    status["snapshotName"] = nullptr;
    status["restoreName"] = nullptr;
  }
  cluster.show(kClones, clone, {{"Progressing", "False", "Ready"}, {"Ready", "True", "Ready"}},
               std::move(status));
}

void await_restore(Cluster& cluster, const Json& clone) {
  const Object snapshot = cluster.find(kSnapshots, ns_of(clone), snapshot_name(clone));
  if (snapshot == nullptr) return await_snapshot(cluster, clone);
  const std::string name(text(clone, {"status", "restoreName"}));
  if (name.empty()) return create_restore(cluster, clone, *snapshot);
  const Object restore = cluster.find(kRestores, ns_of(clone), name);
  if (restore == nullptr) return;
  // A failed restore counts as finished, as in KubeVirt: a VM of that name then makes the clone succeed.
  if (!flag(*restore, {"status", "complete"}) && condition(*restore, "Failure") == nullptr) return;
  if (cluster.find("virtualmachines", ns_of(clone), target_of(clone)) == nullptr) return;
  tell(cluster, clone, "RestoreReady",
       fmt::format("restore {} for clone {} is ready to use", name, name_of(clone)));
  tell(cluster, clone, "TargetVMCreated",
       fmt::format("created target VM {} for clone {}", target_of(clone), name_of(clone)));
  finish(cluster, clone);
}

}  // namespace

void step_clone(Cluster& cluster, const Json& clone) {
  const std::string_view phase = text(clone, {"status", "phase"});
  if (is_deleting(clone) || phase == "Failed") return;
  if (phase == "Succeeded" && cluster.find("virtualmachines", ns_of(clone), target_of(clone)) == nullptr)
    return cluster.remove(kClones, clone);
  const Object source = source_of(cluster, clone);
  if (phase == "Succeeded") {
    if (source != nullptr) finish(cluster, clone);
    return;
  }
  if (source == nullptr) {
    const std::string why =
        fmt::format("Source doesnt exist: {} {}/{}", text(clone, {"spec", "source", "kind"}), ns_of(clone),
                    text(clone, {"spec", "source", "name"}));
    return show_waiting(cluster, clone, "SourceDoesNotExist", why);
  }
  const bool has_snapshot = !is_from_vm(clone) || !text(clone, {"status", "snapshotName"}).empty();
  if (phase.empty() || !has_snapshot)
    begin(cluster, clone, *source);
  else if (phase == "SnapshotInProgress")
    await_snapshot(cluster, clone);
  else
    await_restore(cluster, clone);
}

}  // namespace wukong::sandbox
