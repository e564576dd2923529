// What really happened in a recording, told from the raw objects without any judge.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/object.h"
#include "support/recording.h"

namespace wukong::testing {

/// State of all objects at one moment; the objects are the recording's.
using World = std::map<std::string, std::map<std::string, const Json*>>;

inline void apply(World& world, const RecordedEvent& event) {
  auto& shelf = world[event.resource];
  const std::string name(text(event.object, {"metadata", "name"}));
  if (event.type == "DELETED")
    shelf.erase(name);
  else
    shelf[name] = &event.object;
}

inline World world_at(const Recording& recording, std::chrono::milliseconds at) {
  World world;
  for (const RecordedEvent& event : recording.events) {
    if (event.at > at) break;
    apply(world, event);
  }
  return world;
}

inline const Json* in_world(const World& world, const std::string& resource, const std::string& name) {
  const auto shelf = world.find(resource);
  if (shelf == world.end()) return nullptr;
  const auto it = shelf->second.find(name);
  return it == shelf->second.end() ? nullptr : it->second;
}

enum class Data { none, unbound, there, foreign };

/// The data of a VM's disks, if restore `mark_prefix`… made the VM: all claims carry the VM's mark, and are Bound or not.
inline Data data_of(const World& world, const std::string& vm_name, const std::string& mark_prefix) {
  const Json* vm = in_world(world, "virtualmachines", vm_name);
  if (vm == nullptr) return Data::none;
  const std::string_view mark = text(*vm, {"metadata", "annotations", "restore.kubevirt.io/lastRestoreUID"});
  if (!mark.starts_with(mark_prefix)) return Data::none;
  Data data = Data::there;
  for (const Json& volume : items(*vm, {"spec", "template", "spec", "volumes"})) {
    std::string claim(text(volume, {"persistentVolumeClaim", "claimName"}));
    if (claim.empty()) claim = text(volume, {"dataVolume", "name"});
    if (claim.empty()) continue;
    const Json* found = in_world(world, "persistentvolumeclaims", claim);
    if (found == nullptr ||
        text(*found, {"metadata", "annotations", "restore.kubevirt.io/lastRestoreUID"}) != mark)
      return Data::foreign;
    if (text(*found, {"status", "phase"}) != "Bound") data = Data::unbound;
  }
  return data;
}

}  // namespace wukong::testing
