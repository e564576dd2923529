#include "sandbox/admission.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/quantity.h"
#include "base/text.h"

namespace wukong::sandbox {
namespace {

constexpr std::string_view kVmWebhook = "virtualmachine-validator.kubevirt.io";
constexpr std::string_view kCloneWebhook = "vm-clone-validator.kubevirt.io";
constexpr std::string_view kRestoreWebhook = "virtualmachinerestore-validator.snapshot.kubevirt.io";
constexpr std::string_view kSnapshotWebhook = "virtualmachinesnapshot-validator.snapshot.kubevirt.io";

Json at(const Json& object, Path path) {
  const Json* found = find(object, path);
  return found == nullptr ? Json(nullptr) : *found;
}

std::int64_t bytes_of(std::string_view words) {
  const auto bytes = parse_quantity(words);
  return bytes ? bytes->count : 0;
}

// ---- quota

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
  for (const Object& quota : cluster.list("resourcequotas", ns_of(object)))
    for (const auto& [limit, hard] : fields(*quota, {"spec", "hard"}).items()) {
      const std::int64_t wanted = demand(kind, object, limit);
      if (wanted == 0) continue;
      std::int64_t used = 0;
      for (const Object& each : cluster.list(kind.resource, ns_of(object)))
        used += demand(kind, *each, limit);
      const std::string words = hard.is_string() ? hard.get<std::string>() : dump(hard);
      if (used + wanted <= bytes_of(words)) continue;
      return forbidden(
          kind, name_of(object),
          fmt::format("exceeded quota: {}, requested: {}={}, used: {}={}, limited: {}={}", name_of(*quota),
                      limit, amount(limit, wanted), limit, amount(limit, used), limit, words));
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
  if (spec.contains("dataSource"))
    spec["dataSourceRef"] = spec["dataSource"];
  else if (spec.contains("dataSourceRef"))
    spec["dataSource"] = spec["dataSourceRef"];
  claim["metadata"]["finalizers"] = {"kubernetes.io/pvc-protection"};
  claim["status"] = {{"phase", "Pending"}};
}

std::optional<Refusal> check_claim(const Json& claim) {
  const auto required = [&](std::string_view field) {
    return invalid(kind_named("persistentvolumeclaims"), name_of(claim), field, "Required value");
  };
  if (items(claim, {"spec", "accessModes"}).empty()) return required("spec.accessModes");
  if (find(claim, {"spec", "resources", "requests", "storage"}) == nullptr)
    return required("spec.resources[storage]");
  return std::nullopt;
}

// ---- virtual machines

void default_vm(Cluster& cluster, Json& vm) {
  Json& spec = vm["spec"]["template"]["spec"];
  if (!spec.contains("architecture")) spec["architecture"] = "amd64";
  Json& domain = spec["domain"];
  if (!domain.contains("machine")) domain["machine"] = {{"type", "q35"}};
  Json& firmware = domain["firmware"];
  for (const char* field : {"uuid", "serial"})
    if (text(firmware, {field}).empty()) firmware[field] = cluster.make_uid();
  if (domain.contains("devices") && domain["devices"].contains("interfaces"))
    for (Json& each : domain["devices"]["interfaces"])
      if (each.is_object() && text(each, {"macAddress"}).empty()) each.erase("macAddress");
  vm["spec"]["template"]["metadata"]["annotations"]["kubevirt.io/pci-topology-version"] = "v3";
}

std::optional<Refusal> check_vm(const Json& vm) {
  const bool has_strategy = find(vm, {"spec", "runStrategy"}) != nullptr;
  const bool has_running = find(vm, {"spec", "running"}) != nullptr;
  if (has_strategy && has_running)
    return denied(
        kVmWebhook,
        "Running and RunStrategy are mutually exclusive. Note that Running is deprecated, please use "
        "RunStrategy instead",
        "spec.running");
  if (!has_strategy && !has_running)
    return denied(kVmWebhook, "RunStrategy must be specified", "spec.running");
  return std::nullopt;
}

/// A snapshot holds the VM's disks and its run state, a restore the run state.
std::optional<Refusal> check_lock(const Json& vm, const Json& before) {
  const std::string_view snapshot = text(before, {"status", "snapshotInProgress"});
  const std::string_view restore = text(before, {"status", "restoreInProgress"});
  const auto changed = [&](Path path) { return at(vm, path) != at(before, path); };
  const bool state = changed({"spec", "runStrategy"}) || changed({"spec", "running"});
  if (!snapshot.empty() && (changed({"spec", "template", "spec", "volumes"}) ||
                            changed({"spec", "template", "spec", "domain", "devices", "disks"})))
    return denied(kVmWebhook,
                  fmt::format("Cannot update vm disks or volumes until snapshot \"{}\" completes", snapshot),
                  "spec");
  if (!snapshot.empty() && state)
    return denied(kVmWebhook,
                  fmt::format("Cannot update vm running state until snapshot \"{}\" completes", snapshot),
                  "spec");
  if (!restore.empty() && state)
    return denied(kVmWebhook,
                  fmt::format("Cannot update VM runStrategy until restore \"{}\" completes", restore),
                  "spec");
  return std::nullopt;
}

// ---- clones, snapshots, restores

bool is_mac(const std::string& words) {
  if (words.size() != 17) return false;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const bool hex = std::isxdigit(static_cast<unsigned char>(words[i])) != 0;
    if (i % 3 == 2 ? words[i] != words[2] || (words[i] != ':' && words[i] != '-') : !hex) return false;
  }
  return true;
}

std::optional<Refusal> check_clone(const Json& clone) {
  const std::string_view source = text(clone, {"spec", "source", "kind"});
  if (text(clone, {"spec", "source", "name"}).empty())
    return denied(kCloneWebhook, "Source's name cannot be empty", "spec.source.name");
  if (source != "VirtualMachine" && source != "VirtualMachineSnapshot")
    return denied(kCloneWebhook, "Source kind is not supported", "spec.source.kind");
  if (text(clone, {"spec", "target", "kind"}) != "VirtualMachine")
    return denied(kCloneWebhook, "Target kind is not supported", "spec.target.kind");
  if (source == "VirtualMachine" &&
      text(clone, {"spec", "source", "name"}) == text(clone, {"spec", "target", "name"}))
    return denied(kCloneWebhook, "Target name cannot be equal to source name when both are VirtualMachines",
                  "spec.target.name");
  for (const auto& [interface, mac] : fields(clone, {"spec", "newMacAddresses"}).items())
    if (!mac.is_string() || !is_mac(mac.get<std::string>()))
      return denied(kCloneWebhook,
                    fmt::format("interface {} has malformed MAC address ({}).", interface,
                                mac.is_string() ? mac.get<std::string>() : dump(mac)),
                    "spec.newMacAddresses");
  return std::nullopt;
}

void default_clone(Cluster& cluster, Json& clone) {
  if (find(clone, {"spec", "target"}) != nullptr) return;
  const std::string source(text(clone, {"spec", "source", "name"}));
  clone["spec"]["target"] = {{"apiGroup", "kubevirt.io"},
                             {"kind", "VirtualMachine"},
                             {"name", fmt::format("clone-{}-{}", source, cluster.make_suffix())}};
}

/// KubeVirt splits each patch at "," and ":" instead of parsing it, so that no value may hold one. The part it
/// does not understand, or "".
std::string unreadable_part(const Json& patch) {
  const std::string words = patch.is_string() ? patch.get<std::string>() : "";
  for (std::string part : split(words, ',')) {
    std::erase_if(part, [](char c) { return c == '{' || c == '}'; });
    if (std::count(part.begin(), part.end(), ':') != 1) return part;
  }
  return {};
}

std::optional<Refusal> check_restore(const Cluster& cluster, const Json& restore) {
  for (const Object& each : cluster.list("virtualmachinerestores", ns_of(restore)))
    if (at(*each, {"spec", "target"}) == at(restore, {"spec", "target"}) &&
        !flag(*each, {"status", "complete"}))
      return denied(kRestoreWebhook, fmt::format("VirtualMachineRestore \"{}\" in progress", name_of(*each)),
                    "spec");
  for (const Json& patch : items(restore, {"spec", "patches"}))
    if (const std::string part = unreadable_part(patch); !part.empty())
      return denied(
          kRestoreWebhook,
          "patch format is not valid - one \":\" expected in a single key-value json patch: " + part,
          "spec.patches");
  return std::nullopt;
}

std::optional<Refusal> check_fixed_spec(std::string_view webhook, const Json& object, const Json& before) {
  if (at(object, {"spec"}) == at(before, {"spec"})) return std::nullopt;
  return denied(webhook, "spec in immutable after creation", "spec");  // sic
}

std::optional<Refusal> check_snapshot(const Json& snapshot) {
  if (text(snapshot, {"spec", "source", "apiGroup"}) != "kubevirt.io")
    return denied(kSnapshotWebhook, "invalid apiGroup", "spec.source.apiGroup");
  if (text(snapshot, {"spec", "source", "kind"}) != "VirtualMachine")
    return denied(kSnapshotWebhook, "invalid kind", "spec.source.kind");
  return std::nullopt;
}

std::optional<Refusal> admit_new(Cluster& cluster, const Kind& kind, Json& object) {
  if (kind.resource == "persistentvolumeclaims") {
    default_claim(cluster, object);
    if (auto refusal = check_claim(object)) return refusal;
  } else if (kind.resource == "namespaces") {
    object["spec"]["finalizers"] = {"kubernetes"};
    object["status"] = {{"phase", "Active"}};
    object["metadata"]["labels"]["kubernetes.io/metadata.name"] = name_of(object);
  } else if (kind.resource == "virtualmachines") {
    if (auto refusal = check_vm(object)) return refusal;
    default_vm(cluster, object);
  } else if (kind.resource == "virtualmachineclones") {
    default_clone(cluster, object);
    if (auto refusal = check_clone(object)) return refusal;
  } else if (kind.resource == "virtualmachinesnapshots") {
    if (auto refusal = check_snapshot(object)) return refusal;
  } else if (kind.resource == "virtualmachinerestores") {
    if (auto refusal = check_restore(cluster, object)) return refusal;
  }
  return check_quota(cluster, kind, object);
}

}  // namespace

std::optional<Refusal> admit(Cluster& cluster, const Kind& kind, Json& object, const Json* before) {
  if (before == nullptr) return admit_new(cluster, kind, object);
  if (kind.resource == "virtualmachines") {
    if (auto refusal = check_vm(object)) return refusal;
    return check_lock(object, *before);
  }
  if (kind.resource == "virtualmachineclones") return check_clone(object);
  if (kind.resource == "virtualmachinesnapshots") return check_fixed_spec(kSnapshotWebhook, object, *before);
  if (kind.resource == "virtualmachinerestores") return check_fixed_spec(kRestoreWebhook, object, *before);
  return std::nullopt;
}

}  // namespace wukong::sandbox
