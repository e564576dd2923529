// Hand-made views for judges.
#pragma once

#include <array>
#include <deque>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/view.h"

namespace wukong::testing {

/// Shelves that are known and empty at first.
class ShelfSet {
 public:
  explicit ShelfSet(const std::vector<std::string>& resources) {
    for (const std::string& resource : resources) shelves_[resource].sight = Shelf::Sight::known;
  }
  Shelf& at(const std::string& resource) { return shelves_[resource]; }
  void put(const std::string& resource, Json object) {
    const std::string name(text(object, {"metadata", "name"}));
    shelves_[resource].objects.insert_or_assign(name, std::move(object));
  }
  void remove(const std::string& resource, const std::string& name) {
    shelves_[resource].objects.erase(name);
  }
  /// No permission.
  void close(const std::string& resource) {
    shelves_[resource] = {.sight = Shelf::Sight::unreadable,
                          .why = {.code = Code::forbidden, .message = "no right"}};
  }
  View view() const {
    View view;
    for (const auto& [resource, shelf] : shelves_) view.add(resource, &shelf);
    return view;
  }

 private:
  std::map<std::string, Shelf> shelves_{};
};

/// {type, status, reason} each.
inline Json conditions(const std::vector<std::array<std::string, 3>>& list) {
  Json all = Json::array();
  for (const auto& [type, status, reason] : list)
    all.push_back({{"type", type}, {"status", status}, {"reason", reason}});
  return all;
}

inline Json event(const std::string& kind, const std::string& name, const std::string& type,
                  const std::string& reason, const std::string& message) {
  return {{"metadata", {{"name", name + "." + reason}, {"creationTimestamp", "2026-11-20T05:28:19Z"}}},
          {"involvedObject", {{"kind", kind}, {"name", name}}},
          {"type", type},
          {"reason", reason},
          {"message", message}};
}

}  // namespace wukong::testing
