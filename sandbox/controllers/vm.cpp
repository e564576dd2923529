// What virt-controller and the node do for VMs and their instances.
#include <fmt/format.h>

#include <algorithm>

#include "sandbox/controllers/controllers.h"
#include "sandbox/controllers/disks.h"

namespace wukong::sandbox {
namespace {

constexpr std::string_view kVms = "virtualmachines";
constexpr std::string_view kVmis = "virtualmachineinstances";
constexpr std::string_view kFinalize = "kubevirt.io/virtualMachineControllerFinalize";
constexpr std::string_view kForeground = "kubevirt.io/foregroundDeleteVirtualMachine";
constexpr std::string_view kNode = "sandbox-node";

void set_ready(Json& status, bool ready, std::string_view reason, std::string_view message,
               const Cluster& cluster) {
  set_condition(status, "Ready", ready ? "True" : "False", reason, cluster.timestamp(), message);
}

// ---- instances

void create_vmi(Cluster& cluster, const Json& vm) {
  Json labels = fields(vm, {"spec", "template", "metadata", "labels"});
  labels["kubevirt.io/vm"] = name_of(vm);
  const Json vmi = {{"metadata",
                     {{"name", name_of(vm)},
                      {"namespace", ns_of(vm)},
                      {"labels", labels},
                      {"ownerReferences", {owner_reference(vm)}},
                      {"finalizers", {kFinalize, kForeground}}}},
                    {"spec", fields(vm, {"spec", "template", "spec"})},
                    {"status", {{"phase", "Pending"}}}};
  if (cluster.create(kind_named(kVmis), vmi))
    cluster.tell(vm, "Normal", "SuccessfulCreate",
                 fmt::format("Started the virtual machine by creating the new virtual machine instance {}",
                             name_of(vm)),
                 "virtualmachine-controller");
}

void remove_vmi(Cluster& cluster, const Json& vm, const Json& vmi) {
  if (is_deleting(vmi)) return;
  cluster.remove(kVmis, vmi);
  cluster.tell(vm, "Normal", "SuccessfulDelete",
               fmt::format("Stopped the virtual machine by deleting the virtual machine instance {}",
                           vmi["metadata"]["uid"].get<std::string>()),
               "virtualmachine-controller");
}

void end_vmi(Cluster& cluster, const Json& vmi) {
  cluster.edit_status(kVmis, vmi, [](Json& status) { status["phase"] = "Succeeded"; });
  if (!cluster.waited(vmi, "stop", Millis(800))) return;
  cluster.drop_finalizer(kVmis, vmi, kForeground);
  cluster.drop_finalizer(kVmis, vmi, kFinalize);
}

/// Claims that wait for their first consumer get their node here. True when all are bound.
bool bind_claims(Cluster& cluster, const Json& vmi) {
  bool all = true;
  for (const Disk& disk : disks_of(fields(vmi, {"spec"}))) {
    const Object claim = cluster.find("persistentvolumeclaims", ns_of(vmi), disk.claim);
    if (claim == nullptr || !is_bound(*claim)) all = false;
    if (claim != nullptr && !is_bound(*claim) && waits_for_consumer(cluster, *claim))
      cluster.edit("persistentvolumeclaims", *claim,
                   [](Json& next) { next["metadata"]["annotations"][kSelectedNode] = kNode; });
  }
  return all;
}

void start_guest(const Cluster& cluster, Json& status) {
  status["phase"] = "Running";
  status["interfaces"] = {{{"name", "default"}, {"ipAddress", "10.244.0.7"}}};
  set_ready(status, true, "", "", cluster);
}

// ---- what a VM's status tells

Json snapshot_statuses(const Cluster& cluster, const Json& vm) {
  Json statuses = Json::array();
  const Json& spec = fields(vm, {"spec", "template", "spec"});
  const auto disks = disks_of(spec);
  for (const Json& volume : items(spec, {"volumes"})) {
    const std::string name(text(volume, {"name"}));
    const auto disk =
        std::find_if(disks.begin(), disks.end(), [&](const Disk& each) { return each.volume == name; });
    std::string problem = fmt::format("Snapshot is not supported for this volumeSource type [{}]", name);
    if (disk != disks.end()) {
      const Object claim = cluster.find("persistentvolumeclaims", ns_of(vm), disk->claim);
      problem = claim == nullptr
                    ? "PVC not found"
                    : snapshot_class_of(cluster, text(*claim, {"spec", "storageClassName"}), name).problem;
    }
    Json status = {{"name", name}, {"enabled", problem.empty()}};
    if (!problem.empty()) status["reason"] = problem;
    statuses.push_back(std::move(status));
  }
  return statuses;
}

std::string waiting_status(const Cluster& cluster, const Json& vm) {
  for (const Disk& disk : disks_of(fields(vm, {"spec", "template", "spec"}))) {
    const Object claim = cluster.find("persistentvolumeclaims", ns_of(vm), disk.claim);
    if (claim == nullptr) return "ErrorPvcNotFound";
    if (!is_bound(*claim))
      return waits_for_consumer(cluster, *claim) ? "WaitingForVolumeBinding" : "ErrorUnschedulable";
  }
  return "Starting";
}

std::string printable_status(const Cluster& cluster, const Json& vm, const Json* vmi) {
  if (is_deleting(vm)) return "Terminating";
  if (vmi == nullptr) return "Stopped";
  if (is_deleting(*vmi)) return "Stopping";
  return text(*vmi, {"status", "phase"}) == "Running" ? "Running" : waiting_status(cluster, vm);
}

void show(Cluster& cluster, const Json& vm) {
  const Object vmi = cluster.find(kVmis, ns_of(vm), name_of(vm));
  cluster.edit_status(kVms, vm, [&](Json& status) {
    status["printableStatus"] = printable_status(cluster, vm, vmi.get());
    status["volumeSnapshotStatuses"] = snapshot_statuses(cluster, vm);
    if (vmi == nullptr) {
      status.erase("created");
      status.erase("ready");
      return set_ready(status, false, "VMINotExists", "VMI does not exist", cluster);
    }
    const Json* ready = condition(*vmi, "Ready");
    const bool is_ready = ready != nullptr && text(*ready, {"status"}) == "True";
    status["created"] = true;
    if (is_ready) status["ready"] = true;
    set_ready(status, is_ready, is_ready ? "" : "GuestNotRunning",
              is_ready ? "" : "Guest VM is not reported as running", cluster);
  });
}

// ---- run strategies

/// What `virtctl start` and `stop` ask of a VM that decides by itself (Manual), once.
std::string take_request(Cluster& cluster, const Json& vm) {
  const Json& requests = items(vm, {"status", "stateChangeRequests"});
  if (requests.empty()) return {};
  std::string action(text(requests.front(), {"action"}));
  cluster.edit_status(kVms, vm, [](Json& status) { status.erase("stateChangeRequests"); });
  return action;
}

bool wants_to_run(std::string_view strategy, bool runs, std::string_view request) {
  if (strategy == "Manual") return runs ? request != "Stop" : request == "Start";
  return strategy != "Halted";
}

}  // namespace

void step_vm(Cluster& cluster, const Json& vm) {
  const Object vmi = cluster.find(kVmis, ns_of(vm), name_of(vm));
  if (is_deleting(vm)) {
    if (vmi != nullptr) remove_vmi(cluster, vm, *vmi);
    show(cluster, vm);
    if (vmi == nullptr) cluster.drop_finalizer(kVms, vm, kFinalize);
    return;
  }
  cluster.add_finalizer(kVms, vm, kFinalize);
  std::string strategy(text(vm, {"spec", "runStrategy"}));
  if (strategy.empty()) strategy = flag(vm, {"spec", "running"}) ? "Always" : "Halted";
  const bool run = wants_to_run(strategy, vmi != nullptr, take_request(cluster, vm));
  if (run && vmi == nullptr) create_vmi(cluster, vm);
  if (!run && vmi != nullptr) remove_vmi(cluster, vm, *vmi);
  show(cluster, vm);
}

void step_vmi(Cluster& cluster, const Json& vmi) {
  if (is_deleting(vmi)) return end_vmi(cluster, vmi);
  const std::string_view phase = text(vmi, {"status", "phase"});
  const auto change = [&](const std::function<void(Json&)>& how) { cluster.edit_status(kVmis, vmi, how); };
  if (phase == "Pending") {
    change([&](Json& status) {
      status["phase"] = "Scheduling";
      set_ready(status, false, "GuestNotRunning", "Guest VM is not reported as running", cluster);
    });
  } else if (phase == "Scheduling") {
    if (!bind_claims(cluster, vmi) || !cluster.waited(vmi, "schedule", Millis(700))) return;
    change([&](Json& status) {
      status["phase"] = "Scheduled";
      status["nodeName"] = kNode;
    });
  } else if (phase == "Scheduled") {
    if (cluster.waited(vmi, "boot", Millis(1500)))
      change([&](Json& status) { start_guest(cluster, status); });
  } else if (phase == "Running" && condition(vmi, "AgentConnected") == nullptr) {
    if (cluster.waited(vmi, "agent", Millis(3000)))
      change([&](Json& status) { set_condition(status, "AgentConnected", "True", "", cluster.timestamp()); });
  }
}

}  // namespace wukong::sandbox
