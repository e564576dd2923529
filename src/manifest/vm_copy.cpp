#include "manifest/vm_copy.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/quantity.h"
#include "manifest/key_filter.h"
#include "manifest/mac.h"

namespace wukong::manifest {
namespace {

constexpr const char* kLastApplied = "kubectl.kubernetes.io/last-applied-configuration";

/// Marks that speak of the source: of kubectl apply, of this program, of the restore that made it.
bool is_of_the_source(std::string_view key) {
  return key == kLastApplied || key.starts_with("vm.novasphere.dev/") ||
         key.starts_with("restore.kubevirt.io/") || key == mark::kManagedBy;
}

Json copied_keys(const Json& map, const std::vector<std::string>& filters) {
  Json out = kept_keys(map, filters);
  for (auto it = out.begin(); it != out.end();)
    it = is_of_the_source(it.key()) ? out.erase(it) : std::next(it);
  return out;
}

void set_keys(Json& metadata, const char* key, Json map) {
  if (map.empty())
    metadata.erase(key);
  else
    metadata[key] = std::move(map);
}

/// False for cloud-init and the like.
bool is_on_claim(const Json& volume) {
  return find(volume, {"persistentVolumeClaim"}) != nullptr || find(volume, {"dataVolume"}) != nullptr;
}

const CopiedDisk* disk_of(const std::vector<CopiedDisk>& disks, std::string_view volume) {
  const auto found =
      std::find_if(disks.begin(), disks.end(), [&](const CopiedDisk& disk) { return disk.volume == volume; });
  return found == disks.end() ? nullptr : &*found;
}

/// `volume` of a copy. How it is used (read-only, hot-plugged) stays.
Json on_disk(const Json& volume, const CopiedDisk& disk) {
  const char* kind = disk.data_volume ? "dataVolume" : "persistentVolumeClaim";
  Json copy = {{"name", text(volume, {"name"})}};
  for (const char* was : {"dataVolume", "persistentVolumeClaim"}) {
    if (const Json* value = find(volume, {was, "hotpluggable"})) copy[kind]["hotpluggable"] = *value;
    // A DataVolume cannot say it.
    if (const Json* value = find(volume, {was, "readOnly"}); value != nullptr && !disk.data_volume)
      copy[kind]["readOnly"] = *value;
  }
  copy[kind][disk.data_volume ? "name" : "claimName"] = disk.claim;
  return copy;
}

void point_volumes(Json& pod, const std::vector<CopiedDisk>& disks) {
  Json volumes = Json::array();
  std::vector<std::string> dropped;
  for (const Json& volume : items(pod, {"volumes"})) {
    const std::string name(text(volume, {"name"}));
    const CopiedDisk* disk = disk_of(disks, name);
    const bool dump = find(volume, {"memoryDump"}) != nullptr;
    if (dump || (is_on_claim(volume) && disk == nullptr)) {
      dropped.push_back(name);
      continue;
    }
    volumes.push_back(disk == nullptr ? volume : on_disk(volume, *disk));
  }
  pod["volumes"] = std::move(volumes);
  const auto is_dropped = [&](const Json& disk) {
    return std::find(dropped.begin(), dropped.end(), text(disk, {"name"})) != dropped.end();
  };
  for (const char* list : {"disks", "filesystems"}) {
    Json left = Json::array();
    for (const Json& disk : items(pod, {"domain", "devices", list}))
      if (!is_dropped(disk)) left.push_back(disk);
    if (find(pod, {"domain", "devices", list}) != nullptr) pod["domain"]["devices"][list] = std::move(left);
  }
}

/// The claim of a DataVolume gets its labels: by them it is found.
void set_templates(Json& spec, const std::vector<CopiedDisk>& disks, const Marks& marks) {
  Json templates = Json::array();
  for (const CopiedDisk& disk : disks) {
    if (disk.made_by_vm.is_null()) continue;
    Json made = disk.made_by_vm;
    made["metadata"]["name"] = disk.claim;
    made["metadata"]["labels"] = {{mark::kManagedBy, mark::kManager}, {mark::kOperation, marks.operation}};
    templates.push_back(std::move(made));
  }
  spec.erase("dataVolumeTemplates");
  if (!templates.empty()) spec["dataVolumeTemplates"] = std::move(templates);
}

void set_macs(Json& pod, const VmShape& shape) {
  if (find(pod, {"domain", "devices", "interfaces"}) == nullptr) return;
  Json interfaces = Json::array();
  for (Json interface : items(pod, {"domain", "devices", "interfaces"})) {
    const auto mac = shape.macs.find(std::string(text(interface, {"name"})));
    if (mac != shape.macs.end())
      interface["macAddress"] = format_mac(mac->second);
    else if (!shape.keep_macs && interface.is_object())
      interface.erase("macAddress");
    interfaces.push_back(std::move(interface));
  }
  pod["domain"]["devices"]["interfaces"] = std::move(interfaces);
}

void forget_identity(Json& pod) {
  Json firmware = fields(pod, {"domain", "firmware"});
  if (firmware.empty()) return;
  firmware.erase("uuid");
  firmware.erase("serial");
  pod["domain"]["firmware"] = std::move(firmware);
}

}  // namespace

Json vm_copy(const ObjectRef& ref, const Json& source, const std::vector<CopiedDisk>& disks,
             const VmShape& shape, const Marks& marks) {
  Json vm = skeleton(ref);
  set_keys(vm["metadata"], "labels",
           copied_keys(fields(source, {"metadata", "labels"}), shape.label_filters));
  set_keys(vm["metadata"], "annotations",
           copied_keys(fields(source, {"metadata", "annotations"}), shape.annotation_filters));

  Json spec = fields(source, {"spec"});
  spec.erase("running");
  spec["runStrategy"] = "Halted";
  for (const char* kind : {"instancetype", "preference"})
    if (find(spec, {kind, "revisionName"}) != nullptr) spec[kind].erase("revisionName");
  set_templates(spec, disks, marks);

  Json& metadata = spec["template"]["metadata"];
  if (!metadata.is_object()) metadata = Json::object();
  metadata.erase("creationTimestamp");
  set_keys(metadata, "labels", copied_keys(fields(metadata, {"labels"}), shape.template_label_filters));
  set_keys(metadata, "annotations",
           copied_keys(fields(metadata, {"annotations"}), shape.template_annotation_filters));

  Json& pod = spec["template"]["spec"];
  point_volumes(pod, disks);
  set_macs(pod, shape);
  forget_identity(pod);
  vm["spec"] = std::move(spec);
  vm.merge_patch(shape_patch(source, shape));
  add_marks(vm, marks);
  return vm;
}

std::vector<std::string> interfaces_of(const Json& vm) {
  std::vector<std::string> names;
  for (const Json& interface : items(vm, {"spec", "template", "spec", "domain", "devices", "interfaces"}))
    names.emplace_back(text(interface, {"name"}));
  return names;
}

Json template_from_snapshot(Json claim_spec) {
  // CDI's webhook takes any two of them for different ones (seen with 1.65).
  claim_spec.erase("dataSourceRef");
  Json made = Json::object();
  made["spec"]["pvc"] = std::move(claim_spec);
  return made;
}

Json claim_from_snapshot(const Json& like, const std::string& snapshot, std::int64_t bytes) {
  Json spec = Json::object();
  for (const char* key : {"accessModes", "volumeMode", "storageClassName"})
    if (const Json* value = find(like, {key})) spec[key] = *value;
  spec["resources"]["requests"]["storage"] = format_quantity({bytes});
  const Json source = {
      {"apiGroup", gvr::volume_snapshot().group}, {"kind", "VolumeSnapshot"}, {"name", snapshot}};
  // Both, so that the API server refuses when it would understand them differently instead of dropping one.
  spec["dataSource"] = source;
  spec["dataSourceRef"] = source;
  return spec;
}

}  // namespace wukong::manifest
