// What virt-controller and the node do for VMs and their instances.
#include <fmt/format.h>

#include <algorithm>

#include "sandbox/controllers/controllers.h"

namespace wukong::sandbox {
namespace {

constexpr std::string_view kVms = "virtualmachines";
constexpr std::string_view kVmis = "virtualmachineinstances";
constexpr std::string_view kClaims = "persistentvolumeclaims";
constexpr std::string_view kController = "virtualmachine-controller";
constexpr std::string_view kFinalize = "kubevirt.io/virtualMachineControllerFinalize";
constexpr std::string_view kForeground = "kubevirt.io/foregroundDeleteVirtualMachine";
constexpr std::string_view kNode = "sandbox-node";
constexpr Condition kNotRunning{"Ready", "False", "GuestNotRunning", "Guest VM is not reported as running"};

std::string strategy_of(const Json& vm) {
  const std::string_view strategy = text(vm, {"spec", "runStrategy"});
  if (!strategy.empty()) return std::string(strategy);
  return flag(vm, {"spec", "running"}) ? "Always" : "Halted";
}

// ---- instances

void create_vmi(Cluster& cluster, const Json& vm) {
  const Json vmi = {{"metadata",
                     {{"name", name_of(vm)},
                      {"namespace", ns_of(vm)},
                      {"labels", fields(vm, {"spec", "template", "metadata", "labels"})},
                      {"annotations", fields(vm, {"spec", "template", "metadata", "annotations"})},
                      {"ownerReferences", {owner_reference(vm)}},
                      {"finalizers", {kFinalize, kForeground}}}},
                    {"spec", fields(vm, {"spec", "template", "spec"})},
                    {"status", {{"phase", "Pending"}}}};
  if (cluster.create(kind_named(kVmis), vmi))
    cluster.tell(vm, "Normal", "SuccessfulCreate",
                 fmt::format("Started the virtual machine by creating the new virtual machine instance {}",
                             name_of(vm)),
                 kController);
}

void remove_vmi(Cluster& cluster, const Json& vm, const Json& vmi) {
  if (is_deleting(vmi)) return;
  cluster.remove(kVmis, vmi);
  cluster.tell(
      vm, "Normal", "SuccessfulDelete",
      fmt::format("Stopped the virtual machine by deleting the virtual machine instance {}", uid_of(vmi)),
      kController);
}

void end_vmi(Cluster& cluster, const Json& vmi) {
  cluster.show(kVmis, vmi, {{"Ready", "False", "PodTerminating", "virt-launcher pod is terminating"}});
  if (!cluster.waited(vmi, "stop", Millis(800))) return;
  cluster.merge(kVmis, vmi, {{"status", {{"phase", "Succeeded"}}}, {"metadata", {{"finalizers", nullptr}}}});
}

/// Claims that wait for their first consumer get their node here. True when all are bound.
bool bind_claims(Cluster& cluster, const Json& vmi) {
  bool all = true;
  for (const Disk& disk : disks_of(vmi)) {
    const Object claim = find_claim(cluster, vmi, disk.claim);
    if (claim != nullptr && is_bound(*claim)) continue;
    all = false;
    if (claim != nullptr && waits_for_consumer(cluster, *claim))
      cluster.merge(kClaims, *claim, {{"metadata", {{"annotations", {{kSelectedNode, kNode}}}}}});
  }
  return all;
}

// ---- what a VM's status tells

Json snapshot_statuses(const Cluster& cluster, const Json& vm) {
  Json statuses = Json::array();
  const auto disks = disks_of(vm);
  for (const Json& volume : items(vm, {"spec", "template", "spec", "volumes"})) {
    const std::string name(text(volume, {"name"}));
    const auto disk =
        std::find_if(disks.begin(), disks.end(), [&](const Disk& each) { return each.volume == name; });
    std::string problem = fmt::format("Snapshot is not supported for this volumeSource type [{}]", name);
    if (disk != disks.end()) {
      const Object claim = find_claim(cluster, vm, disk->claim);
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

std::string printable_status(const Cluster& cluster, const Json& vm, const Json* vmi) {
  if (is_deleting(vm)) return "Terminating";
  if (vmi == nullptr) return "Stopped";
  if (is_deleting(*vmi)) return "Stopping";
  if (text(*vmi, {"status", "phase"}) == "Running") return "Running";
  for (const Disk& disk : disks_of(vm)) {
    const Object claim = find_claim(cluster, vm, disk.claim);
    if (claim == nullptr) return "ErrorPvcNotFound";
    if (!is_bound(*claim))
      return waits_for_consumer(cluster, *claim) ? "WaitingForVolumeBinding" : "ErrorUnschedulable";
  }
  return "Starting";
}

void show_vm(Cluster& cluster, const Json& vm) {
  const Object vmi = cluster.find(kVmis, ns_of(vm), name_of(vm));
  const Json* found = vmi == nullptr ? nullptr : condition(*vmi, "Ready");
  Condition ready{"Ready", "False", "VMINotExists", "VMI does not exist"};
  if (found != nullptr)
    ready = {"Ready", text(*found, {"status"}), text(*found, {"reason"}), text(*found, {"message"})};
  else if (vmi != nullptr)
    ready = {"Ready", "False", "VMIConditionMissing", "VMI is missing the Ready condition"};
  cluster.show(kVms, vm, {ready},
               {{"printableStatus", printable_status(cluster, vm, vmi.get())},
                {"volumeSnapshotStatuses", snapshot_statuses(cluster, vm)},
                {"created", vmi == nullptr ? Json(nullptr) : Json(true)},
                {"ready", ready.status == "True" ? Json(true) : Json(nullptr)}});
}

// ---- run strategies

/// `virtctl start` and `stop` leave these as they are, and ask; others they change.
bool is_asked(std::string_view strategy) { return strategy == "Manual" || strategy == "RerunOnFailure"; }

/// What was asked, once. One of strategy RerunOnFailure that was stopped looks like a failed one, and stays off.
std::string take_request(Cluster& cluster, const Json& vm) {
  const Json& requests = items(vm, {"status", "stateChangeRequests"});
  if (requests.empty()) return {};
  std::string action(text(requests.front(), {"action"}));
  const Json failure = action == "Stop" ? Json{{"consecutiveFailCount", 1}} : Json();
  cluster.merge_status(kVms, vm, {{"stateChangeRequests", nullptr}, {"startFailure", failure}});
  return action;
}

bool wants_to_run(const Json& vm, std::string_view strategy, bool runs, std::string_view request) {
  if (is_asked(strategy) && (runs || !request.empty())) return runs ? request != "Stop" : request == "Start";
  if (strategy == "RerunOnFailure") return find(vm, {"status", "startFailure"}) == nullptr;
  return strategy != "Halted" && strategy != "Manual";
}

/// Why a VM refuses to be started or stopped; "" when it does not.
std::string problem_with(const std::string& action, const std::string& strategy, bool runs) {
  if (action == "start") {
    if (runs) return "VM is already running";
    const bool always = strategy == "Always" || strategy == "Once";
    return always ? strategy + " does not support manual start requests" : "";
  }
  if (!runs) return "VM is not running";
  return strategy == "Halted" ? "Halted only supports manual stop requests with a shorter graceperiod" : "";
}

}  // namespace

void step_vm(Cluster& cluster, const Json& vm) {
  const Object vmi = cluster.find(kVmis, ns_of(vm), name_of(vm));
  if (is_deleting(vm)) {
    if (vmi == nullptr) return cluster.drop_finalizer(kVms, vm, kFinalize);
    remove_vmi(cluster, vm, *vmi);
    return show_vm(cluster, vm);
  }
  cluster.add_finalizer(kVms, vm, kFinalize);
  const bool run = wants_to_run(vm, strategy_of(vm), vmi != nullptr, take_request(cluster, vm));
  if (run && vmi == nullptr) create_vmi(cluster, vm);
  if (!run && vmi != nullptr) remove_vmi(cluster, vm, *vmi);
  show_vm(cluster, vm);
}

void step_vmi(Cluster& cluster, const Json& vmi) {
  if (is_deleting(vmi)) return end_vmi(cluster, vmi);
  const std::string_view phase = text(vmi, {"status", "phase"});
  if (phase == "Pending") {
    cluster.show(kVmis, vmi, {kNotRunning}, {{"phase", "Scheduling"}});
  } else if (phase == "Scheduling") {
    if (!bind_claims(cluster, vmi) || !cluster.waited(vmi, "schedule", Millis(700))) return;
    cluster.merge(kVmis, vmi,
                  {{"metadata", {{"labels", {{"kubevirt.io/nodeName", kNode}}}}},
                   {"status", {{"phase", "Scheduled"}, {"nodeName", kNode}}}});
  } else if (phase == "Scheduled") {
    if (cluster.waited(vmi, "boot", Millis(1500)))
      cluster.show(
          kVmis, vmi, {{"Ready", "True"}},
          {{"phase", "Running"}, {"interfaces", {{{"name", "default"}, {"ipAddress", "10.244.0.7"}}}}});
  } else if (phase == "Running" && condition(vmi, "AgentConnected") == nullptr) {
    if (cluster.waited(vmi, "agent", Millis(3000))) cluster.show(kVmis, vmi, {{"AgentConnected", "True"}});
  }
}

Reply<void> change_run_state(Cluster& cluster, const std::string& ns, const std::string& name,
                             const std::string& action, bool dry_run) {
  constexpr Kind kSingular{.group = "kubevirt.io",
                           .resource = "virtualmachine"};  // as KubeVirt's answers say it
  const Object vm = cluster.find(kVms, ns, name);
  if (vm == nullptr) return tl::unexpected(not_found(kSingular, name));
  const bool runs = cluster.find(kVmis, ns, name) != nullptr;
  const std::string strategy = strategy_of(*vm);
  if (const std::string problem = problem_with(action, strategy, runs); !problem.empty())
    return tl::unexpected(conflict(kSingular, name, problem));
  if (is_asked(strategy)) {
    const Json request = {{"action", action == "start" ? "Start" : "Stop"}};
    if (!dry_run) cluster.merge_status(kVms, *vm, {{"stateChangeRequests", Json::array({request})}});
    return {};
  }
  Json next = *vm;
  const bool starts = action == "start";
  if (next["spec"].contains("running"))
    next["spec"]["running"] = starts;
  else
    next["spec"]["runStrategy"] = starts ? "Always" : "Halted";
  const auto done = cluster.update(kind_named(kVms), std::move(next), dry_run);
  if (done) return {};
  return tl::unexpected(Refusal{500, "InternalError", "Internal error occurred: " + done.error().message});
}

}  // namespace wukong::sandbox
