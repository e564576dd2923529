#include "manifest/vm_restore.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "manifest/mac.h"

namespace wukong::manifest {

namespace {

constexpr const char* kPod = "/spec/template/spec";

std::string removal(const std::string& path) {
  return fmt::format(R"({{"op":"remove","path":"{}{}"}})", kPod, path);
}

std::string value(const std::string& path, const std::string& text) {
  return fmt::format(R"({{"op":"add","path":"{}{}","value":{}}})", kPod, path, dump(Json(text)));
}

}  // namespace

Json vm_restore(const ObjectRef& ref, const std::string& snapshot, const std::string& target,
                const std::vector<std::string>& patches, const Marks& marks) {
  Json manifest = skeleton(ref);
  add_marks(manifest, marks);
  Json& spec = manifest["spec"];
  spec["target"] = {{"apiGroup", gvr::vm().group}, {"kind", gvr::vm().kind}, {"name", target}};
  spec["virtualMachineSnapshotName"] = snapshot;
  if (!patches.empty()) spec["patches"] = patches;
  return manifest;
}

std::vector<std::string> identity_patches(const Json& vm, const VmShape& shape) {
  std::vector<std::string> patches;
  const Json& pod = fields(vm, {"spec", "template", "spec"});
  std::size_t number = 0;
  for (const Json& interface : items(pod, {"domain", "devices", "interfaces"})) {
    const std::string path = fmt::format("/domain/devices/interfaces/{}/macAddress", number++);
    const auto wanted = shape.macs.find(std::string(text(interface, {"name"})));
    if (wanted != shape.macs.end())
      patches.push_back(value(path, format_mac(wanted->second, '-')));
    else if (!shape.keep_macs && find(interface, {"macAddress"}) != nullptr)
      patches.push_back(removal(path));
  }
  for (const char* field : {"uuid", "serial"})
    if (find(pod, {"domain", "firmware", field}) != nullptr)
      patches.push_back(removal(fmt::format("/domain/firmware/{}", field)));
  return patches;
}

}  // namespace wukong::manifest
