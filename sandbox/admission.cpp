#include "sandbox/admission.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "base/quantity.h"
#include "base/text.h"

namespace wukong::sandbox {
namespace {

using Causes = std::vector<Cause>;

Json at(const Json& object, Path path) {
  const Json* found = find(object, path);
  return found == nullptr ? Json(nullptr) : *found;
}

std::int64_t bytes_of(std::string_view words) {
  const auto bytes = parse_quantity(words);
  return bytes ? bytes->count : 0;
}

// ---- quotas

/// How much of `limit` one object takes; 0 for a limit on something else.
std::int64_t demand(const Kind& kind, const Json& object, std::string_view limit) {
  if (limit == kind.resource || limit == "count/" + kind.qualified()) return 1;
  if (limit == "requests.storage" && kind.resource == "persistentvolumeclaims")
    return bytes_of(text(object, {"spec", "resources", "requests", "storage"}));
  return 0;
}

std::string amount(std::string_view limit, std::int64_t count) {
  return limit == "requests.storage" ? format_quantity({count}) : std::to_string(count);
}

std::optional<Refusal> check_quota(const Cluster& cluster, const Kind& kind, const Json& object) {
  for (const Object& quota : cluster.list("resourcequotas", ns_of(object))) {
    std::vector<std::string> requested;
    std::vector<std::string> used;
    std::vector<std::string> limited;
    for (const auto& [limit, hard] : fields(*quota, {"spec", "hard"}).items()) {
      const std::int64_t wanted = demand(kind, object, limit);
      const std::string taken = quota_used(cluster, ns_of(object), limit);
      const std::string most = hard.is_string() ? hard.get<std::string>() : dump(hard);
      if (wanted == 0 || bytes_of(taken) + wanted <= bytes_of(most)) continue;
      requested.push_back(fmt::format("{}={}", limit, amount(limit, wanted)));
      used.push_back(fmt::format("{}={}", limit, taken));
      limited.push_back(fmt::format("{}={}", limit, most));
    }
    if (!requested.empty())
      return forbidden(
          kind, name_of(object),
          fmt::format("exceeded quota: {}, requested: {}, used: {}, limited: {}", name_of(*quota),
                      fmt::join(requested, ","), fmt::join(used, ","), fmt::join(limited, ",")));
  }
  return std::nullopt;
}

// ---- claims

void default_claim(const Cluster& cluster, Json& claim) {
  Json& spec = claim["spec"];
  if (!spec.contains("volumeMode")) spec["volumeMode"] = "Filesystem";
  if (!spec.contains("storageClassName"))
    for (const Object& each : cluster.list("storageclasses"))
      if (text(*each, {"metadata", "annotations", "storageclass.kubernetes.io/is-default-class"}) == "true")
        spec["storageClassName"] = name_of(*each);
  for (const auto& [from, to] : {std::pair("dataSource", "dataSourceRef"), {"dataSourceRef", "dataSource"}})
    if (spec.contains(from) && !spec.contains(to)) spec[to] = spec[from];
  claim["metadata"]["finalizers"] = {"kubernetes.io/pvc-protection"};
  claim["status"] = {{"phase", "Pending"}};
}

std::optional<Refusal> check_claim(Cluster& cluster, const Kind& kind, Json& claim, const Json* before) {
  Causes causes;
  const std::string_view size = text(claim, {"spec", "resources", "requests", "storage"});
  if (items(claim, {"spec", "accessModes"}).empty())
    causes.push_back({"spec.accessModes", "Required value: at least 1 access mode is required"});
  if (size.empty()) causes.push_back({"spec.resources[storage]", "Required value"});
  if (before != nullptr) {
    Json same = claim["spec"];
    same["resources"] = at(*before, {"spec", "resources"});
    if (same != at(*before, {"spec"}))
      causes.push_back({"spec",
                        "Forbidden: spec is immutable after creation except resources.requests and "
                        "volumeAttributesClassName for bound claims"});
    if (bytes_of(size) < bytes_of(text(*before, {"status", "capacity", "storage"})))
      causes.push_back(
          {"spec.resources.requests.storage", "Forbidden: field can not be less than status.capacity"});
  }
  if (!causes.empty()) return invalid(kind, name_of(claim), causes);
  if (before == nullptr) default_claim(cluster, claim);
  return std::nullopt;
}

std::optional<Refusal> check_namespace(Cluster&, const Kind&, Json& ns, const Json* before) {
  if (before != nullptr) return std::nullopt;
  ns["spec"]["finalizers"] = {"kubernetes"};
  ns["status"] = {{"phase", "Active"}};
  ns["metadata"]["labels"]["kubernetes.io/metadata.name"] = name_of(ns);
  return std::nullopt;
}

// ---- virtual machines

void default_vm(Cluster& cluster, Json& vm) {
  Json& spec = vm["spec"]["template"]["spec"];
  if (!spec.contains("architecture")) spec["architecture"] = "amd64";
  Json& domain = spec["domain"];
  if (!domain.contains("machine")) domain["machine"] = {{"type", "q35"}};
  for (const char* field : {"uuid", "serial"})
    if (text(domain, {"firmware", field}).empty()) domain["firmware"][field] = cluster.make_uid();
  if (!items(domain, {"devices", "interfaces"}).empty())
    for (Json& each : domain["devices"]["interfaces"])
      if (text(each, {"macAddress"}).empty()) each.erase("macAddress");
  vm["spec"]["template"]["metadata"]["annotations"]["kubevirt.io/pci-topology-version"] = "v3";
  for (const char* mark :
       {"kubevirt.io/latest-observed-api-version", "kubevirt.io/storage-observed-api-version"})
    vm["metadata"]["annotations"][mark] = "v1";
}

/// A snapshot holds the VM's disks and its run state, a restore the run state.
void check_lock(Causes& causes, const Json& vm, const Json& before) {
  const std::string_view snapshot = text(before, {"status", "snapshotInProgress"});
  const std::string_view restore = text(before, {"status", "restoreInProgress"});
  const auto changed = [&](Path path) { return at(vm, path) != at(before, path); };
  const auto refuse = [&](std::string_view what, std::string_view holder, std::string_view name) {
    causes.push_back({"spec", fmt::format("Cannot update {} until {} \"{}\" completes", what, holder, name)});
  };
  const bool state = changed({"spec", "runStrategy"}) || changed({"spec", "running"});
  if (!snapshot.empty() && (changed({"spec", "template", "spec", "volumes"}) ||
                            changed({"spec", "template", "spec", "domain", "devices", "disks"})))
    refuse("vm disks or volumes", "snapshot", snapshot);
  else if (!snapshot.empty() && state)
    refuse("vm running state", "snapshot", snapshot);
  if (!restore.empty() && state) refuse("VM runStrategy", "restore", restore);
}

std::optional<Refusal> check_vm(Cluster& cluster, const Kind&, Json& vm, const Json* before) {
  constexpr std::array kStrategies{"Halted", "Manual", "Always", "RerunOnFailure", "Once", "WaitAsReceiver"};
  if (find(vm, {"spec", "template"}) == nullptr)
    return denied("virtualmachines-mutator.kubevirt.io", {{"", "spec.template in body is required"}});
  Causes causes;
  const std::string_view strategy = text(vm, {"spec", "runStrategy"});
  const bool has_running = find(vm, {"spec", "running"}) != nullptr;
  if (!strategy.empty() && has_running)
    causes.push_back({"spec.running",
                      "Running and RunStrategy are mutually exclusive. Note that Running is deprecated, "
                      "please use RunStrategy instead"});
  if (strategy.empty() && !has_running) causes.push_back({"spec.running", "RunStrategy must be specified"});
  if (!strategy.empty() && std::find(kStrategies.begin(), kStrategies.end(), strategy) == kStrategies.end())
    causes.push_back({"spec.runStrategy", fmt::format("Invalid RunStrategy ({})", strategy)});
  if (before != nullptr) check_lock(causes, vm, *before);
  if (!causes.empty()) return denied("virtualmachine-validator.kubevirt.io", causes);
  if (before == nullptr) default_vm(cluster, vm);
  return std::nullopt;
}

// ---- clones, snapshots, restores

bool is_mac(std::string_view words) {
  if (words.size() != 17 || (words[2] != ':' && words[2] != '-')) return false;
  for (std::size_t i = 0; i < words.size(); ++i)
    if (i % 3 == 2 ? words[i] != words[2] : std::isxdigit(static_cast<unsigned char>(words[i])) == 0)
      return false;
  return true;
}

std::optional<Refusal> check_clone(Cluster& cluster, const Kind& kind, Json& clone, const Json*) {
  Causes causes;
  if (find(clone, {"spec", "source"}) == nullptr) causes.push_back({"spec.source", "Required value"});
  const std::string_view policy = text(clone, {"spec", "volumeNamePolicy"});
  if (!policy.empty() && policy != "RandomizeNames" && policy != "PrefixTargetName")
    causes.push_back(
        {"spec.volumeNamePolicy",
         fmt::format("Unsupported value: \"{}\": supported values: \"RandomizeNames\", \"PrefixTargetName\"",
                     policy)});
  if (!causes.empty()) return invalid(kind, name_of(clone), causes);
  const std::string source(text(clone, {"spec", "source", "name"}));
  if (find(clone, {"spec", "target"}) == nullptr) {
    clone["spec"]["template"] = Json::object();
    clone["spec"]["target"] = {{"apiGroup", "kubevirt.io"},
                               {"kind", "VirtualMachine"},
                               {"name", fmt::format("clone-{}-{}", source, cluster.make_suffix())}};
  }
  const std::string_view source_kind = text(clone, {"spec", "source", "kind"});
  if (source_kind != "VirtualMachine" && source_kind != "VirtualMachineSnapshot")
    causes.push_back({"spec.Source.Kind", "Source kind is not supported"});
  if (text(clone, {"spec", "source", "apiGroup"}).empty())
    causes.push_back({"spec.Source.APIGroup", "Source's APIGroup cannot be empty"});
  if (source.empty()) causes.push_back({"spec.Source.Name", "Source's name cannot be empty"});
  if (text(clone, {"spec", "target", "kind"}) != "VirtualMachine")
    causes.push_back({"spec.Target.Kind", "Target kind is not supported"});
  else if (source_kind == "VirtualMachine" && source == text(clone, {"spec", "target", "name"}))
    causes.push_back(
        {"spec.target.name", "Target name cannot be equal to source name when both are VirtualMachines"});
  for (const auto& [interface, mac] : fields(clone, {"spec", "newMacAddresses"}).items())
    if (!mac.is_string() || !is_mac(mac.get<std::string>()))
      causes.push_back({"spec.newMacAddresses." + interface,
                        fmt::format("interface {} has malformed MAC address ({}).", interface,
                                    mac.is_string() ? mac.get<std::string>() : dump(mac))});
  return causes.empty() ? std::nullopt : std::optional(denied("vm-clone-validator.kubevirt.io", causes));
}

/// `field` refers to a VM.
void check_vm_reference(Causes& causes, const Json& object, std::string_view field) {
  const Json& reference = fields(object, {"spec", field});
  const Json* group = find(reference, {"apiGroup"});
  const std::string path = fmt::format("spec.{}.", field);
  if (group == nullptr)
    causes.push_back({path + "apiGroup", "missing apiGroup"});
  else if (*group != "kubevirt.io")
    causes.push_back({path + "apiGroup", "invalid apiGroup"});
  else if (text(reference, {"kind"}) != "VirtualMachine")
    causes.push_back({path + "kind", "invalid kind"});
}

std::optional<Refusal> check_snapshot(Cluster&, const Kind& kind, Json& snapshot, const Json* before) {
  constexpr std::string_view kWebhook = "virtualmachinesnapshot-validator.snapshot.kubevirt.io";
  if (find(snapshot, {"spec"}) == nullptr)
    return invalid(kind, name_of(snapshot), {{"spec", "Required value"}});
  Causes causes;
  check_vm_reference(causes, snapshot, "source");
  const std::string_view deadline = text(snapshot, {"spec", "failureDeadline"});
  if (!deadline.empty() && !parse_duration(deadline))
    return Refusal{400, "",
                   fmt::format("admission webhook \"{}\" denied the request: time: invalid duration \"{}\"",
                               kWebhook, deadline)};
  if (before != nullptr && snapshot["spec"] != at(*before, {"spec"}))
    causes.push_back({"spec", "spec in immutable after creation"});  // sic
  return causes.empty() ? std::nullopt : std::optional(denied(kWebhook, causes));
}

/// KubeVirt splits each patch at "," and ":" instead of parsing it, so that no value may hold one.
void check_patches(Causes& causes, const Json& restore) {
  for (const Json& patch : items(restore, {"spec", "patches"}))
    for (std::string part : split(patch.is_string() ? patch.get<std::string>() : "", ',')) {
      std::erase_if(part, [](char c) { return c == '{' || c == '}'; });
      if (std::count(part.begin(), part.end(), ':') != 1)
        causes.push_back(
            {"spec.patches",
             "patch format is not valid - one \":\" expected in a single key-value json patch: " + part});
    }
}

std::optional<Refusal> check_restore(Cluster& cluster, const Kind& kind, Json& restore, const Json* before) {
  const Json snapshot = at(restore, {"spec", "virtualMachineSnapshotName"});
  if (!snapshot.is_string())
    return invalid(kind, name_of(restore), {{"spec.virtualMachineSnapshotName", "Required value"}});
  Causes causes;
  check_vm_reference(causes, restore, "target");
  // Real ones forget what is wrong with the patches where the snapshot does not exist.
  if (cluster.find("virtualmachinesnapshots", ns_of(restore), snapshot.get<std::string>()) != nullptr)
    check_patches(causes, restore);
  const std::string_view policy = text(restore, {"spec", "volumeRestorePolicy"});
  if (!policy.empty() && policy != "InPlace" && policy != "RandomizeNames" && policy != "PrefixTargetName")
    causes.push_back(
        {"spec.volumeRestorePolicy", fmt::format("volume restore policy \"{}\" doesn't exist", policy)});
  if (before != nullptr && restore["spec"] != at(*before, {"spec"}))
    causes.push_back({"spec", "spec in immutable after creation"});  // sic
  if (before == nullptr)
    for (const Object& each : cluster.list("virtualmachinerestores", ns_of(restore)))
      if (at(*each, {"spec", "target"}) == at(restore, {"spec", "target"}) &&
          !flag(*each, {"status", "complete"}))
        causes.push_back(
            {"spec.target", fmt::format("VirtualMachineRestore \"{}\" in progress", name_of(*each))});
  if (causes.empty()) return std::nullopt;
  return denied("virtualmachinerestore-validator.snapshot.kubevirt.io", causes);
}

struct Rule {
  std::string_view resource{};
  std::optional<Refusal> (*check)(Cluster&, const Kind&, Json&, const Json* before){};
};

constexpr std::array kRules{
    Rule{"persistentvolumeclaims", check_claim},
    Rule{"namespaces", check_namespace},
    Rule{"virtualmachines", check_vm},
    Rule{"virtualmachineclones", check_clone},
    Rule{"virtualmachinesnapshots", check_snapshot},
    Rule{"virtualmachinerestores", check_restore},
};

}  // namespace

std::optional<Refusal> admit(Cluster& cluster, const Kind& kind, Json& object, const Json* before) {
  for (const Rule& rule : kRules)
    if (rule.resource == kind.resource)
      if (auto refusal = rule.check(cluster, kind, object, before)) return refusal;
  return before == nullptr ? check_quota(cluster, kind, object) : std::nullopt;
}

std::string quota_used(const Cluster& cluster, std::string_view ns, std::string_view limit) {
  std::int64_t used = 0;
  for (const Kind& kind : all_kinds())
    if (kind.namespaced)
      for (const Object& each : cluster.list(kind.resource, ns)) used += demand(kind, *each, limit);
  return amount(limit, used);
}

}  // namespace wukong::sandbox
