#include "commands/storage_class.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace wukong::commands {

namespace {

constexpr const char* kDefaultSnapshotClass = "snapshot.storage.kubernetes.io/is-default-class";
constexpr const char* kDefaultClass = "storageclass.kubernetes.io/is-default-class";

}  // namespace

bool is_unserved(const kube::Fact& list) { return list.is_unreadable() && list.why.code == Code::not_found; }

std::string_view profile_of(const kube::Fact& profiles, std::string_view name, std::string_view field) {
  const Json* profile = named(profiles, name);
  return profile == nullptr ? std::string_view{} : text(*profile, {"status", field});
}

SnapshotClass snapshot_class_of(const Json& storage_class, const kube::Fact& snapshot_classes,
                                const kube::Fact& profiles) {
  if (is_unserved(snapshot_classes))
    return {.problem = "this cluster does not serve VolumeSnapshots (snapshot.storage.k8s.io): no snapshots"};
  const std::string_view told =
      profile_of(profiles, text(storage_class, {"metadata", "name"}), "snapshotClass");
  if (!told.empty()) {
    if (snapshot_classes.is_unreadable() || has_name(snapshot_classes, told))
      return {.name = std::string(told)};
    return {.problem =
                fmt::format("its StorageProfile names VolumeSnapshotClass {}, which does not exist", told)};
  }
  if (snapshot_classes.is_unreadable())
    return {.problem = "you may not list volumesnapshotclasses.snapshot.storage.k8s.io", .unreadable = true};
  const std::string_view driver = text(storage_class, {"provisioner"});
  std::vector<const Json*> fitting;
  for (const Json& each : items(snapshot_classes.object, {"items"}))
    if (text(each, {"driver"}) == driver) fitting.push_back(&each);
  if (fitting.empty())
    return {.problem = fmt::format("no VolumeSnapshotClass for driver {}: no snapshots", driver)};
  if (fitting.size() > 1) {
    const auto chosen = std::find_if(fitting.begin(), fitting.end(), [](const Json* each) {
      return fields(*each, {"metadata", "annotations"}).contains(kDefaultSnapshotClass);
    });
    if (chosen == fitting.end())
      return {
          .problem = fmt::format(
              "{} VolumeSnapshotClasses for driver {}, and none is its default: annotate one with {}=true",
              fitting.size(), driver, kDefaultSnapshotClass)};
    fitting.front() = *chosen;
  }
  return {.name = std::string(text(*fitting.front(), {"metadata", "name"}))};
}

bool is_default(const Json& storage_class) {
  return text(storage_class, {"metadata", "annotations", kDefaultClass}) == "true";
}

Json as_class(const Json& profile) {
  return {{"metadata", {{"name", text(profile, {"metadata", "name"})}}},
          {"provisioner", text(profile, {"status", "provisioner"})}};
}

}  // namespace wukong::commands
