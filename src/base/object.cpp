#include "base/object.h"

#include <charconv>
#include <limits>
#include <nlohmann/json.hpp>
#include <system_error>

#include "base/text.h"

namespace wukong {

const Json* find(const Json& value, Path path) {
  const Json* at = &value;
  for (const std::string_view key : path) {
    if (!at->is_object()) return nullptr;
    const auto it = at->find(key);
    if (it == at->end()) return nullptr;
    at = &*it;
  }
  return at->is_null() ? nullptr : at;
}

std::string_view text(const Json& value, Path path) {
  const Json* at = find(value, path);
  return at != nullptr && at->is_string() ? std::string_view(at->get_ref<const std::string&>())
                                          : std::string_view();
}

std::optional<std::int64_t> integer(const Json& value, Path path) {
  const Json* at = find(value, path);
  if (at == nullptr) return std::nullopt;
  if (at->is_number_unsigned()) {
    const auto number = at->get<std::uint64_t>();
    if (number > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) return std::nullopt;
    return static_cast<std::int64_t>(number);
  }
  if (at->is_number_integer()) return at->get<std::int64_t>();
  if (!at->is_string()) return std::nullopt;
  const std::string& digits = at->get_ref<const std::string&>();
  std::int64_t number = 0;
  const char* end = digits.data() + digits.size();
  const auto [stop, problem] = std::from_chars(digits.data(), end, number);
  if (problem != std::errc() || stop != end) return std::nullopt;
  return number;
}

bool flag(const Json& value, Path path, bool fallback) {
  const Json* at = find(value, path);
  return at != nullptr && at->is_boolean() ? at->get<bool>() : fallback;
}

const Json& items(const Json& value, Path path) {
  static const Json none = Json::array();
  const Json* at = find(value, path);
  return at != nullptr && at->is_array() ? *at : none;
}

const Json& fields(const Json& value, Path path) {
  static const Json none = Json::object();
  const Json* at = find(value, path);
  return at != nullptr && at->is_object() ? *at : none;
}

const Json* condition(const Json& object, std::string_view type) {
  for (const Json& each : items(object, {"status", "conditions"}))
    if (each.is_object() && text(each, {"type"}) == type) return &each;
  return nullptr;
}

std::string dump(const Json& value, int indent) {
  return value.dump(indent, ' ', false, Json::error_handler_t::replace);
}

std::string describe(const ObjectRef& ref) {
  return ref.ns.empty() ? ref.gvr.kind + " " + ref.name : ref.gvr.kind + " " + ref.ns + "/" + ref.name;
}

std::string resource_name(const ObjectRef& ref) {
  const std::string kind = lower(ref.gvr.kind);
  return ref.gvr.group.empty() ? kind + "/" + ref.name : kind + "." + ref.gvr.group + "/" + ref.name;
}

Json skeleton(const ObjectRef& ref) {
  Json metadata = Json::object();
  metadata["name"] = ref.name;
  if (!ref.ns.empty()) metadata["namespace"] = ref.ns;
  Json manifest = Json::object();
  manifest["apiVersion"] = ref.gvr.api_version();
  manifest["kind"] = ref.gvr.kind;
  manifest["metadata"] = std::move(metadata);
  return manifest;
}

bool same_uid(const Json& a, const Json& b) {
  const std::string_view uid = text(a, {"metadata", "uid"});
  return !uid.empty() && uid == text(b, {"metadata", "uid"});
}

namespace gvr {

Gvr vm() { return {"kubevirt.io", "v1", "virtualmachines", "VirtualMachine"}; }
Gvr vmi() { return {"kubevirt.io", "v1", "virtualmachineinstances", "VirtualMachineInstance"}; }
Gvr vm_clone() { return {"clone.kubevirt.io", "v1beta1", "virtualmachineclones", "VirtualMachineClone"}; }
Gvr vm_snapshot() {
  return {"snapshot.kubevirt.io", "v1beta1", "virtualmachinesnapshots", "VirtualMachineSnapshot"};
}
Gvr vm_restore() {
  return {"snapshot.kubevirt.io", "v1beta1", "virtualmachinerestores", "VirtualMachineRestore"};
}
Gvr vm_export() { return {"export.kubevirt.io", "v1beta1", "virtualmachineexports", "VirtualMachineExport"}; }
Gvr pvc() { return {"", "v1", "persistentvolumeclaims", "PersistentVolumeClaim"}; }
Gvr data_volume() { return {"cdi.kubevirt.io", "v1beta1", "datavolumes", "DataVolume"}; }
Gvr service() { return {"", "v1", "services", "Service"}; }
Gvr ingress() { return {"networking.k8s.io", "v1", "ingresses", "Ingress"}; }
Gvr event() { return {"", "v1", "events", "Event"}; }
Gvr storage_class() { return {"storage.k8s.io", "v1", "storageclasses", "StorageClass"}; }
Gvr storage_profile() { return {"cdi.kubevirt.io", "v1beta1", "storageprofiles", "StorageProfile"}; }
Gvr volume_snapshot() { return {"snapshot.storage.k8s.io", "v1", "volumesnapshots", "VolumeSnapshot"}; }
Gvr volume_snapshot_class() {
  return {"snapshot.storage.k8s.io", "v1", "volumesnapshotclasses", "VolumeSnapshotClass"};
}
Gvr kubevirt() { return {"kubevirt.io", "v1", "kubevirts", "KubeVirt"}; }
Gvr self_subject_access_review() {
  return {"authorization.k8s.io", "v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview"};
}

}  // namespace gvr

}  // namespace wukong
