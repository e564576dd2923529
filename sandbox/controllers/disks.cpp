#include "sandbox/controllers/disks.h"

#include <fmt/format.h>

namespace wukong::sandbox {

std::vector<Disk> disks_of(const Json& spec) {
  std::vector<Disk> disks;
  for (const Json& volume : items(spec, {"volumes"})) {
    std::string claim(text(volume, {"persistentVolumeClaim", "claimName"}));
    if (claim.empty()) claim = text(volume, {"dataVolume", "name"});
    if (!claim.empty()) disks.push_back({std::string(text(volume, {"name"})), std::move(claim)});
  }
  return disks;
}

bool is_bound(const Json& claim) { return text(claim, {"status", "phase"}) == "Bound"; }

bool waits_for_consumer(const Cluster& cluster, const Json& claim) {
  const Object used = cluster.find("storageclasses", "", text(claim, {"spec", "storageClassName"}));
  return used != nullptr && text(*used, {"volumeBindingMode"}) == "WaitForFirstConsumer";
}

SnapshotClass snapshot_class_of(const Cluster& cluster, std::string_view storage_class,
                                std::string_view volume) {
  const Object used = cluster.find("storageclasses", "", storage_class);
  std::vector<Object> candidates;
  for (const Object& each : cluster.list("volumesnapshotclasses"))
    if (used != nullptr && text(*each, {"driver"}) == text(*used, {"provisioner"}))
      candidates.push_back(each);
  if (candidates.empty())
    return {.problem = fmt::format("No VolumeSnapshotClass: Volume snapshots are not configured for this "
                                   "StorageClass [{}] [{}]",
                                   storage_class, volume)};
  for (const Object& each : candidates) {
    const bool preferred = find(*each, {"metadata", "annotations",
                                        "snapshot.storage.kubernetes.io/is-default-class"}) != nullptr;
    if (preferred || candidates.size() == 1) return {.name = std::string(text(*each, {"metadata", "name"}))};
  }
  return {.problem =
              fmt::format("{} matching VolumeSnapshotClasses for {}", candidates.size(), storage_class)};
}

Millis delay_of(const Json& storage_or_snapshot_class, Millis fallback) {
  const auto told = parse_duration(text(storage_or_snapshot_class, {"parameters", "delay"}));
  return told ? std::chrono::duration_cast<Millis>(*told) : fallback;
}

}  // namespace wukong::sandbox
