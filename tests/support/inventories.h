// Inventories made by hand.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "commands/inventory.h"

namespace wukong::testing {

/// All kinds known and empty at first, in namespace demo.
class InventoryMaker {
 public:
  InventoryMaker() {
    for (const Watched& watched : commands::inventory_watches("demo", std::nullopt))
      shelves_[watched.gvr.resource].sight = Shelf::Sight::known;
  }
  InventoryMaker& put(commands::ObjectKind kind, const std::string& name, Json object) {
    Json& metadata = object["metadata"];
    metadata["name"] = name;
    metadata["namespace"] = "demo";
    if (!metadata.contains("uid")) metadata["uid"] = name + "-uid";
    if (!metadata.contains("creationTimestamp")) metadata["creationTimestamp"] = "2026-01-01T00:00:00Z";
    shelves_[commands::gvr_of(kind).resource].objects.insert_or_assign(name, std::move(object));
    return *this;
  }
  InventoryMaker& close(commands::ObjectKind kind) {
    return hide(kind, {.code = Code::forbidden, .message = "no right"});
  }
  /// The server does not serve it.
  InventoryMaker& lack(commands::ObjectKind kind) {
    return hide(kind, {.code = Code::not_found, .message = "not served"});
  }
  /// With flags that tell the cluster, as commands that are printed must have them.
  InventoryMaker& in_cluster(const std::string& flags) {
    flags_ = flags;
    return *this;
  }
  commands::Inventory make() const {
    commands::Inventory inventory{.ns = "demo", .flags = flags_};
    for (const auto& [resource, shelf] : shelves_)
      inventory.shelves.emplace(resource, std::make_shared<const Shelf>(shelf));
    return inventory;
  }

 private:
  InventoryMaker& hide(commands::ObjectKind kind, Error why) {
    shelves_[commands::gvr_of(kind).resource] = {.sight = Shelf::Sight::unreadable, .why = std::move(why)};
    return *this;
  }

  std::map<std::string, Shelf> shelves_{};
  std::string flags_{};
};

inline Json restored_claim(const std::string& restore, const std::string& uid, const std::string& phase) {
  return {{"metadata",
           {{"annotations",
             {{"restore.kubevirt.io/name", restore},
              {"restore.kubevirt.io/lastRestoreUID", restore + "-" + uid}}}}},
          {"spec", {{"dataSourceRef", {{"kind", "VolumeSnapshot"}, {"name", "vs"}}}}},
          {"status", {{"phase", phase}}}};
}

inline Json clone_of(const std::string& source, const std::string& target, const std::string& phase) {
  return {
      {"spec", {{"source", {{"kind", "VirtualMachine"}, {"name", source}}}, {"target", {{"name", target}}}}},
      {"status", {{"phase", phase}}}};
}

inline Json vm_on(const std::vector<std::string>& claims, const std::string& restored_by = {}) {
  Json volumes = Json::array();
  for (const std::string& claim : claims)
    volumes.push_back({{"name", claim}, {"persistentVolumeClaim", {{"claimName", claim}}}});
  Json vm = {{"spec", {{"runStrategy", "Halted"}, {"template", {{"spec", {{"volumes", volumes}}}}}}},
             {"status", {{"printableStatus", "Stopped"}}}};
  if (!restored_by.empty()) vm["metadata"]["annotations"]["restore.kubevirt.io/lastRestoreUID"] = restored_by;
  return vm;
}

/// `object` with the label of an operation.
inline Json of_operation(const std::string& id, Json object) {
  object["metadata"]["labels"][mark::kOperation] = id;
  object["metadata"]["labels"][mark::kManagedBy] = mark::kManager;
  return object;
}

}  // namespace wukong::testing
