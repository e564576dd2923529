#include "status/vm_disks.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace wukong::status {

std::vector<LeftOut> disks_without_snapshot(const Json& vm) {
  std::vector<LeftOut> left_out;
  for (const Json& volume : items(vm, {"spec", "template", "spec", "volumes"})) {
    if (find(volume, {"persistentVolumeClaim"}) == nullptr && find(volume, {"dataVolume"}) == nullptr)
      continue;
    LeftOut disk{.volume = std::string(text(volume, {"name"}))};
    bool enabled = false;
    for (const Json& status : items(vm, {"status", "volumeSnapshotStatuses"}))
      if (text(status, {"name"}) == disk.volume) {
        enabled = flag(status, {"enabled"});
        disk.reason = text(status, {"reason"});
      }
    if (!enabled) left_out.push_back(std::move(disk));
  }
  return left_out;
}

bool is_templated(const Json& vm, std::string_view data_volume) {
  const Json& templates = items(vm, {"spec", "dataVolumeTemplates"});
  return !data_volume.empty() && std::any_of(templates.begin(), templates.end(), [&](const Json& t) {
    return text(t, {"metadata", "name"}) == data_volume;
  });
}

bool has_persistent_state(const Json& vm) {
  const Json& domain = fields(vm, {"spec", "template", "spec", "domain"});
  return flag(domain, {"devices", "tpm", "persistent"}) ||
         flag(domain, {"firmware", "bootloader", "efi", "persistent"});
}

std::vector<std::string> host_disks(const Json& vm) {
  std::vector<std::string> names;
  for (const Json& volume : items(vm, {"spec", "template", "spec", "volumes"}))
    if (find(volume, {"hostDisk"}) != nullptr) names.emplace_back(text(volume, {"name"}));
  return names;
}

}  // namespace wukong::status
