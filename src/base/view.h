// What a judge sees of the cluster, and what it says of it. Values only: kube fills shelves, status judges them.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/object.h"
#include "base/result.h"

namespace wukong {

/// Monotonic time, injected everywhere; never compared with a server's timestamps.
using Time = std::chrono::steady_clock::time_point;
using Duration = std::chrono::steady_clock::duration;

/// One stream of objects that a judge needs. Equal ones share one watch.
struct Watched {
  Gvr gvr{};
  std::string ns{};
  std::string name{};    // only the object of this name (field selector metadata.name); empty: all
  std::string labels{};  // label selector
  std::string fields{};  // further field selector
  Projection keep{};
  bool from_now{};  // no list first: only what changes after the start (events)
  bool required{};  // the judge cannot do without it: forbidden ends the wait
  bool operator==(const Watched&) const = default;
};

/// What an object is called on the shelf of `what`: its name, or "namespace/name" where all namespaces are watched.
std::string shelf_key(const Watched& what, const Json& object);

/// The objects of one watch, by shelf_key().
struct Shelf {
  enum class Sight {
    loading,     // nothing heard yet
    known,       // `objects` is what the server had a moment ago
    unreadable,  // no permission, or the kind is not served: `why` says it
  };
  Sight sight{Sight::loading};
  Error why{};
  std::string trouble{};  // why the stream is interrupted at present; empty while it flows
  std::map<std::string, Json, std::less<>> objects{};
};

/// All shelves of one wait. A resource is named by its plural ("persistentvolumeclaims").
class View {
 public:
  void add(std::string resource, const Shelf* shelf) { shelves_.emplace_back(std::move(resource), shelf); }
  /// The shelf of a resource; an empty one that is `unreadable` if it is not watched. With several shelves of
  /// one resource: the first that is not known, else the first.
  const Shelf& shelf(std::string_view resource) const;
  /// The object, or nullptr when it is absent, unreadable or not heard of yet.
  const Json* find(std::string_view resource, std::string_view name) const;
  /// True when the resource's objects are known: then a missing one really is absent.
  bool known(std::string_view resource) const { return shelf(resource).sight == Shelf::Sight::known; }
  bool unreadable(std::string_view resource) const {
    return shelf(resource).sight == Shelf::Sight::unreadable;
  }
  /// True while a shelf has not heard from the server yet.
  bool loading() const;
  /// The newest of the watched events about this object for which `accept` is true, or nullptr. Where the object itself is
  /// on a shelf, those of an earlier one of its name are not about it.
  /// Newest: by series.lastObservedTime, lastTimestamp, eventTime, creationTimestamp, then resourceVersion.
  const Json* newest_event(std::string_view kind, std::string_view name,
                           const std::function<bool(const Json&)>& accept) const;

 private:
  std::vector<std::pair<std::string, const Shelf*>> shelves_{};
};

/// What a judge says. `stage` is a short word for a person ("Restoring"), `detail` what stands beside it.
struct Verdict {
  enum class State { working, done, failed };
  State state{State::working};
  std::string stage{};
  std::string detail{};              // "1 of 2 volumes bound"
  std::optional<double> fraction{};  // 0 to 1, only when an object tells it
  std::string message{};             // failed: why. done: what the user must know, or empty
  std::string hint{};                // failed: the next step
  std::string cause{};               // working: a problem that controllers go on retrying; empty when none
  std::map<std::string, std::string> memory{};  // what a later call must know (handed back as `before`)
  bool operator==(const Verdict&) const = default;
  /// What memory holds under `key`, or "".
  std::string recall(const std::string& key) const {
    const auto it = memory.find(key);
    return it == memory.end() ? std::string{} : it->second;
  }
};

/// A pure judge: the same view, memory and time give the same verdict. `before` is its last verdict (at first
/// a default one), `waited` the time since the wait began.
using Judge = std::function<Verdict(const View& view, const Verdict& before, Duration waited)>;

}  // namespace wukong
