#include "base/view.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "base/time.h"

namespace wukong {
namespace {

/// When an event was last seen. Both APIs: events.k8s.io/v1 calls lastTimestamp deprecatedLastTimestamp.
/// Recorders of the new kind write null into the old fields, and the other way round.
WallTime last_seen(const Json& event) {
  const std::array<std::string_view, 5> stamps{
      text(event, {"series", "lastObservedTime"}), text(event, {"lastTimestamp"}),
      text(event, {"deprecatedLastTimestamp"}), text(event, {"eventTime"}),
      text(event, {"metadata", "creationTimestamp"})};
  for (const std::string_view stamp : stamps)
    if (!stamp.empty())
      if (const auto time = parse_rfc3339(stamp); time && *time != WallTime::min()) return *time;
  return WallTime::min();
}

/// `uid`: of the object of that name, "" where it is not known.
bool is_about(const Json& event, std::string_view kind, std::string_view name, std::string_view uid) {
  const Json& core = fields(event, {"involvedObject"});
  const Json& about = core.empty() ? fields(event, {"regarding"}) : core;
  if (text(about, {"kind"}) != kind || text(about, {"name"}) != name) return false;
  const std::string_view told = text(about, {"uid"});
  return uid.empty() || told.empty() || told == uid;
}

/// "persistentvolumeclaims" of "PersistentVolumeClaim"; right for all kinds of which events are looked at.
std::string resource_of(std::string_view kind) { return lower(kind) + "s"; }

/// True when resourceVersion `a` is older than `b`: numbers of any length.
bool older_version(std::string_view a, std::string_view b) {
  return a.size() != b.size() ? a.size() < b.size() : a < b;
}

}  // namespace

std::string shelf_key(const Watched& what, const Json& object) {
  std::string name(text(object, {"metadata", "name"}));
  const std::string_view ns = text(object, {"metadata", "namespace"});
  return what.ns.empty() && !ns.empty() && !name.empty() ? std::string(ns) + "/" + name : name;
}

const Shelf& View::shelf(std::string_view resource) const {
  static const Shelf unwatched{.sight = Shelf::Sight::unreadable, .why = {.message = "not watched"}};
  const Shelf* found = nullptr;
  for (const auto& [name, each] : shelves_) {
    if (each == nullptr || name != resource) continue;
    if (each->sight != Shelf::Sight::known) return *each;
    if (found == nullptr) found = each;
  }
  return found != nullptr ? *found : unwatched;
}

const Json* View::find(std::string_view resource, std::string_view name) const {
  for (const auto& [key, each] : shelves_) {
    if (each == nullptr || key != resource || each->sight == Shelf::Sight::unreadable) continue;
    if (const auto it = each->objects.find(name); it != each->objects.end()) return &it->second;
  }
  return nullptr;
}

bool View::loading() const {
  return std::any_of(shelves_.begin(), shelves_.end(), [](const auto& each) {
    return each.second != nullptr && each.second->sight == Shelf::Sight::loading;
  });
}

const Json* View::newest_event(std::string_view kind, std::string_view name,
                               const std::function<bool(const Json&)>& accept) const {
  const Json* about = find(resource_of(kind), name);
  const std::string_view uid = about == nullptr ? std::string_view{} : text(*about, {"metadata", "uid"});
  const Json* newest = nullptr;
  WallTime newest_seen{};
  for (const auto& [resource, shelf] : shelves_) {
    if (shelf == nullptr || resource != "events") continue;
    for (const auto& [unused, event] : shelf->objects) {
      if (!is_about(event, kind, name, uid) || (accept && !accept(event))) continue;
      const WallTime seen = last_seen(event);
      const bool older =
          newest != nullptr &&
          (seen < newest_seen ||
           (seen == newest_seen && older_version(text(event, {"metadata", "resourceVersion"}),
                                                 text(*newest, {"metadata", "resourceVersion"}))));
      if (older) continue;
      newest = &event;
      newest_seen = seen;
    }
  }
  return newest;
}

}  // namespace wukong
