// VirtualMachineRestores: into the VM that the snapshot was taken of, or into a new one.
#include <fmt/format.h>

#include <algorithm>

#include "sandbox/controllers/controllers.h"

namespace wukong::sandbox {
namespace {

constexpr std::string_view kRestores = "virtualmachinerestores";
constexpr std::string_view kSnapshots = "virtualmachinesnapshots";
constexpr std::string_view kClaims = "persistentvolumeclaims";
constexpr std::string_view kVms = "virtualmachines";
constexpr std::string_view kController = "restore-controller";
constexpr std::string_view kProtection = "snapshot.kubevirt.io/vmrestore-protection";
constexpr const char* kLastRestore = "restore.kubevirt.io/lastRestoreUID";

std::string mark_of(const Json& restore) { return fmt::format("{}-{}", name_of(restore), uid_of(restore)); }

Object target_of(const Cluster& cluster, const Json& restore) {
  return cluster.find(kVms, ns_of(restore), text(restore, {"spec", "target", "name"}));
}

void show(Cluster& cluster, const Json& restore, const char* progressing, std::string_view reason,
          std::string_view ready_reason, Json status = {{"complete", false}}) {
  cluster.show(kRestores, restore, {{"Progressing", progressing, reason}, {"Ready", "False", ready_reason}},
               std::move(status));
}

/// Shown, and tried again: no error of a restore is final.
void retry_later(Cluster& cluster, const Json& restore, const std::string& error) {
  show(cluster, restore, "False", error, error);
  if (cluster.due(restore, "error", Millis(5000)))
    cluster.tell(restore, "Warning", "VirtualMachineRestoreError",
                 "VirtualMachineRestore encountered error " + error, kController);
}

void unlock(Cluster& cluster, const Json& restore) {
  const Object vm = target_of(cluster, restore);
  if (vm != nullptr && text(*vm, {"status", "restoreInProgress"}) == name_of(restore))
    cluster.merge_status(kVms, *vm, {{"restoreInProgress", nullptr}});
}

void fail(Cluster& cluster, const Json& restore, std::string_view why) {
  show(cluster, restore, "False", why, why);
  cluster.show(kRestores, restore, {{"Failure", "True", why}});
  cluster.tell(restore, "Warning", "Operation failed", fmt::format("VirtualMachineRestore failed {}", why),
               kController);
}

/// The target must be off: no instance may exist. True when that is so.
bool is_target_off(Cluster& cluster, const Json& restore) {
  const Object vm = target_of(cluster, restore);
  if (vm == nullptr || cluster.find("virtualmachineinstances", ns_of(*vm), name_of(*vm)) == nullptr)
    return true;
  constexpr std::string_view kWaiting =
      "Waiting for target VM to be powered off. Please stop the restore target to proceed with restore, or "
      "the operation will fail after 5m0s";
  if (cluster.waited(restore, "grace", std::chrono::minutes(5))) {
    fail(cluster, restore,
         "Restore target failed to be ready within 5m0s. Please power off the target VM before attempting "
         "restore");
    return false;
  }
  show(cluster, restore, "False", kWaiting, kWaiting);
  if (cluster.due(restore, "not off", std::chrono::minutes(1)))
    cluster.tell(restore, "Warning", "RestoreTargetNotReady",
                 "Restore target VMI still exists, please stop the restore target to proceed with restore",
                 kController);
  return false;
}

/// Why the snapshot or the target does not fit; "" when they do.
std::string problem_of(const Cluster& cluster, const Json& restore) {
  const std::string name(text(restore, {"spec", "virtualMachineSnapshotName"}));
  const Object snapshot = cluster.find(kSnapshots, ns_of(restore), name);
  const std::string place = fmt::format("VMSnapshot {}/{}", ns_of(restore), name);
  if (snapshot == nullptr) return place + " does not exist";
  if (text(*snapshot, {"status", "phase"}) == "Failed") return place + " failed and is invalid to use";
  if (!flag(*snapshot, {"status", "readyToUse"})) return place + " not ready";
  const Object target = target_of(cluster, restore);
  const bool own = target == nullptr ||
                   text(*target, {"metadata", "annotations", kLastRestore}) == mark_of(restore) ||
                   uid_of(*target) == text(*snapshot, {"status", "sourceUID"});
  return own ? "" : "restore source and restore target are different but restore target already exists";
}

Object content_of(const Cluster& cluster, const Json& restore) {
  const Object snapshot =
      cluster.find(kSnapshots, ns_of(restore), text(restore, {"spec", "virtualMachineSnapshotName"}));
  if (snapshot == nullptr) return nullptr;
  return cluster.find("virtualmachinesnapshotcontents", ns_of(restore),
                      text(*snapshot, {"status", "virtualMachineSnapshotContentName"}));
}

// ---- new claims

std::string claim_name(const Json& restore, std::string_view volume) {
  if (text(restore, {"spec", "volumeRestorePolicy"}) == "PrefixTargetName")
    return fmt::format("{}-{}", text(restore, {"spec", "target", "name"}), volume);
  return fmt::format("restore-{}-{}", uid_of(restore), volume);
}

void list_claims(Cluster& cluster, const Json& restore, const Json& content) {
  Json restores = Json::array();
  for (const Json& backup : items(content, {"spec", "volumeBackups"}))
    restores.push_back({{"volumeName", backup["volumeName"]},
                        {"persistentVolumeClaim", claim_name(restore, text(backup, {"volumeName"}))},
                        {"volumeSnapshotName", backup["volumeSnapshotName"]}});
  show(cluster, restore, "True", "Creating new PVCs", "Waiting for new PVCs",
       {{"complete", false}, {"restores", std::move(restores)}});
}

/// Marks of the old claim that do not belong to its copy.
bool is_left_behind(std::string_view annotation) {
  for (const std::string_view prefix :
       {"pv.kubernetes.io", "volume.beta.kubernetes.io", "volume.kubernetes.io"})
    if (annotation.starts_with(prefix)) return true;
  return annotation.starts_with("cdi.kubevirt.io") && annotation != "cdi.kubevirt.io/storage.contentType";
}

/// `vm`: the target, when it exists; it then owns its new disks.
Json claim_from(const Json& restore, const Json& content, const Json& backup, const Json* vm) {
  const Json& old = fields(backup, {"persistentVolumeClaim"});
  Json labels = fields(old, {"metadata", "labels"});
  labels["restore.kubevirt.io/source-vm-name"] =
      text(content, {"spec", "source", "virtualMachine", "metadata", "name"});
  labels["restore.kubevirt.io/source-vm-namespace"] = ns_of(content);
  Json annotations = Json::object();
  for (const auto& [key, value] : fields(old, {"metadata", "annotations"}).items())
    if (!is_left_behind(key)) annotations[key] = value;
  annotations["restore.kubevirt.io/name"] = name_of(restore);
  annotations[kLastRestore] = mark_of(restore);
  Json spec = fields(old, {"spec"});
  for (const char* field : {"volumeName", "dataSourceRef"}) spec.erase(field);
  spec["dataSource"] = {{"apiGroup", "snapshot.storage.k8s.io"},
                        {"kind", "VolumeSnapshot"},
                        {"name", text(backup, {"volumeSnapshotName"})}};
  Json claim = {{"metadata",
                 {{"name", claim_name(restore, text(backup, {"volumeName"}))},
                  {"namespace", ns_of(restore)},
                  {"labels", std::move(labels)},
                  {"annotations", std::move(annotations)}}},
                {"spec", std::move(spec)}};
  if (vm != nullptr) claim["metadata"]["ownerReferences"] = {owner_reference(*vm)};
  return claim;
}

/// True when all claims exist and, but for those that wait for a consumer, are bound. A claim that was there before is
/// taken for restored, as KubeVirt does.
bool make_claims(Cluster& cluster, const Json& restore, const Json& content, const Json* vm) {
  bool all = true;
  for (const Json& backup : items(content, {"spec", "volumeBackups"})) {
    const Object claim = find_claim(cluster, restore, claim_name(restore, text(backup, {"volumeName"})));
    if (claim != nullptr && (is_bound(*claim) || waits_for_consumer(cluster, *claim))) continue;
    all = false;
    if (claim != nullptr) continue;
    const auto made = cluster.create(kind_named(kClaims), claim_from(restore, content, backup, vm));
    if (made) continue;
    retry_later(cluster, restore, made.error().message);
    return false;
  }
  if (!all) show(cluster, restore, "True", "Creating new PVCs", "Waiting for new PVCs");
  return all;
}

// ---- the target

Json with_new_claims(Json spec, const Json& restore, const Json& content) {
  Json& inner = spec["template"]["spec"];
  for (const Json& backup : items(content, {"spec", "volumeBackups"}))
    for (Json& volume : inner["volumes"])
      if (text(volume, {"name"}) == text(backup, {"volumeName"}))
        volume = {
            {"name", backup["volumeName"]},
            {"persistentVolumeClaim", {{"claimName", claim_name(restore, text(backup, {"volumeName"}))}}}};
  return spec;
}

/// A "replace" of a field that is absent sets it: KubeVirt patches typed objects, in which every field is there.
Json applied(const Json& vm, const Json& patches) {
  Json steps = Json::array();
  for (const Json& patch : patches) {
    Json step = Json::parse(patch.is_string() ? patch.get<std::string>() : "", nullptr, false);
    const Json::json_pointer path{std::string(text(step, {"path"}))};
    if (text(step, {"op"}) == "replace" && !vm.contains(path)) step["op"] = "add";
    steps.push_back(std::move(step));
  }
  return vm.patch(steps);
}

void create_target(Cluster& cluster, const Json& restore, const Json& content) {
  const Json& source = fields(content, {"spec", "source", "virtualMachine"});
  Json vm = {{"metadata",
              {{"name", text(restore, {"spec", "target", "name"})},
               {"namespace", ns_of(restore)},
               {"labels", fields(source, {"metadata", "labels"})},
               {"annotations", fields(source, {"metadata", "annotations"})}}},
             {"spec", with_new_claims(fields(source, {"spec"}), restore, content)}};
  vm["metadata"]["annotations"][kLastRestore] = mark_of(restore);
  if (vm["spec"].contains("running"))
    vm["spec"]["running"] = false;
  else
    vm["spec"]["runStrategy"] = "Halted";
  try {
    vm = applied(vm, items(restore, {"spec", "patches"}));
  } catch (const Json::exception& problem) {
    return retry_later(cluster, restore, fmt::format("error patching VM {}", problem.what()));
  }
  const auto made = cluster.create(kind_named(kVms), vm);
  if (!made) return retry_later(cluster, restore, made.error().message);
  show(cluster, restore, "True", "Updating target spec", "Waiting for target update");
}

void update_target(Cluster& cluster, const Json& restore, const Json& content, const Json& vm) {
  Json spec =
      with_new_claims(fields(content, {"spec", "source", "virtualMachine", "spec"}), restore, content);
  for (const char* state : {"running", "runStrategy"})
    if (const Json* kept = find(vm, {"spec", state})) spec[state] = *kept;
  cluster.merge(
      kVms, vm,
      {{"spec", std::move(spec)}, {"metadata", {{"annotations", {{kLastRestore, mark_of(restore)}}}}}});
  unlock(cluster, restore);
  show(cluster, restore, "True", "Updating target spec", "Waiting for target update");
}

/// A new VM owns its disks where the old VM owned the old ones.
void own_claims(Cluster& cluster, const Json& restore, const Json& content, const Json& vm) {
  const std::string source = uid_of(fields(content, {"spec", "source", "virtualMachine"}));
  for (const Json& backup : items(content, {"spec", "volumeBackups"})) {
    const Json& owners = items(backup, {"persistentVolumeClaim", "metadata", "ownerReferences"});
    const bool was_owned = std::any_of(owners.begin(), owners.end(),
                                       [&](const Json& owner) { return text(owner, {"uid"}) == source; });
    const Object claim = find_claim(cluster, restore, claim_name(restore, text(backup, {"volumeName"})));
    if (claim != nullptr && was_owned)
      cluster.merge(kClaims, *claim, {{"metadata", {{"ownerReferences", {owner_reference(vm)}}}}});
  }
}

void finish(Cluster& cluster, const Json& restore, const Json& content, const Json& vm) {
  own_claims(cluster, restore, content, vm);
  unlock(cluster, restore);
  cluster.show(kRestores, restore,
               {{"Progressing", "False", "Operation complete"}, {"Ready", "True", "Operation complete"}},
               {{"complete", true}, {"restoreTime", cluster.timestamp()}});
  cluster.tell(restore, "Normal", "VirtualMachineRestoreComplete",
               "Successfully completed VirtualMachineRestore " + name_of(restore), kController);
}

void end(Cluster& cluster, const Json& restore) {
  cluster.show(
      kRestores, restore,
      {{"Progressing", "False", "VM restore is deleting"}, {"Ready", "False", "VM restore is deleting"}});
  unlock(cluster, restore);
  cluster.drop_finalizer(kRestores, restore, kProtection);
}

/// A restore goes with its target, unless somebody else owns it.
void own(Cluster& cluster, const Json& restore, const Json& vm) {
  if (items(restore, {"metadata", "ownerReferences"}).empty())
    cluster.merge(kRestores, restore, {{"metadata", {{"ownerReferences", {owner_reference(vm)}}}}});
}

}  // namespace

void step_restore(Cluster& cluster, const Json& restore) {
  if (is_deleting(restore)) return end(cluster, restore);
  if (flag(restore, {"status", "complete"}) || condition(restore, "Failure") != nullptr) return;
  if (find(restore, {"status"}) == nullptr) {
    constexpr const char* kBegin = "Initializing VirtualMachineRestore";
    show(cluster, restore, "True", kBegin, kBegin);
    return cluster.add_finalizer(kRestores, restore, kProtection);
  }
  const Object vm = target_of(cluster, restore);
  if (vm != nullptr) own(cluster, restore, *vm);
  if (!is_target_off(cluster, restore)) return;
  if (const std::string problem = problem_of(cluster, restore); !problem.empty())
    return retry_later(cluster, restore, problem);
  const Object content = content_of(cluster, restore);
  if (content == nullptr) return;
  const bool updated =
      vm != nullptr && text(*vm, {"metadata", "annotations", kLastRestore}) == mark_of(restore);
  if (vm != nullptr && !updated) cluster.merge_status(kVms, *vm, {{"restoreInProgress", name_of(restore)}});
  if (items(restore, {"status", "restores"}).empty() && !items(*content, {"spec", "volumeBackups"}).empty())
    return list_claims(cluster, restore, *content);
  if (!updated && !make_claims(cluster, restore, *content, vm.get())) return;
  if (vm == nullptr) return create_target(cluster, restore, *content);
  if (!updated) return update_target(cluster, restore, *content, *vm);
  finish(cluster, restore, *content, *vm);
}

}  // namespace wukong::sandbox
