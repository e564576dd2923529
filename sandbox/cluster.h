// The simulated cluster: objects, and writes with Kubernetes' rules. Users and controllers write through it alike.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>

#include "base/time.h"
#include "sandbox/refusal.h"
#include "sandbox/store.h"

namespace wukong::sandbox {

using Millis = std::chrono::milliseconds;

/// Time, from outside: tests turn the clock by hand.
struct Clock {
  std::function<Millis()> running{};  // since some moment, never going back
  std::function<WallTime()> wall{};
};

/// What must hold for a deletion; "": anything.
struct Preconditions {
  std::string uid{};
  std::string resource_version{};
};

/// In KubeVirt's form: mostly the text is the reason, and there is no message.
struct Condition {
  std::string_view type{};
  std::string_view status{};
  std::string_view reason{};
  std::string_view message{};
};

class Cluster {
 public:
  /// Everything that takes time takes its time divided by `speed`. Equal seeds give equal uids and names.
  Cluster(Clock clock, double speed, std::uint64_t seed)
      : clock_(std::move(clock)), speed_(speed), random_(seed) {}

  const Store& store() const { return store_; }
  WallTime now() const { return clock_.wall(); }

  // Writes, as the API does them.
  Reply<Object> create(const Kind& kind, Json object, bool dry_run = false);
  Reply<Object> update(const Kind& kind, Json object, bool dry_run = false);
  Reply<Object> update_status(const Kind& kind, const Json& object, bool dry_run = false);
  Reply<Object> remove(const Kind& kind, const std::string& ns, const std::string& name,
                       const Preconditions& wanted = {}, bool dry_run = false);

  // Short forms for controllers. `object` may be older than what is stored; writes apply to what is stored, are not
  // refused, and do nothing when the object has gone.
  Object find(std::string_view resource, std::string_view ns, std::string_view name) const;
  std::vector<Object> list(std::string_view resource, std::string_view ns = {}) const;
  /// Applies a JSON merge patch: null removes.
  void merge(std::string_view resource, const Json& object, const Json& patch);
  void merge_status(std::string_view resource, const Json& object, Json status) {
    merge(resource, object, {{"status", std::move(status)}});
  }
  /// Sets conditions, and merges `status` into the rest of the status.
  void show(std::string_view resource, const Json& object, std::initializer_list<Condition> conditions,
            Json status = Json::object());
  void remove(std::string_view resource, const Json& object);
  void add_finalizer(std::string_view resource, const Json& object, std::string_view finalizer);
  void drop_finalizer(std::string_view resource, const Json& object, std::string_view finalizer);
  /// Told again, it is counted.
  void tell(const Json& about, std::string_view type, std::string_view reason, const std::string& message,
            std::string_view component);

  /// True once `time` has passed since this was first asked about this object.
  bool waited(const Json& object, std::string_view what, Millis time);
  /// True at first, and then once per `period`.
  bool due(const Json& object, std::string_view what, Millis period);
  /// When controllers want to run again; absent when only a change can give them work. Asking forgets it.
  std::optional<Millis> take_wake_up() { return std::exchange(wake_up_, std::nullopt); }
  Millis running() const { return clock_.running() + skipped_; }
  /// Lets time pass for controllers only.
  void skip(Millis time) { skipped_ += time; }

  std::string make_uid();
  std::string make_suffix();
  std::string timestamp() const { return format_rfc3339(now()); }

 private:
  std::optional<Refusal> check_new(const Kind& kind, const Json& object) const;
  Reply<Object> replace(const Kind& kind, const Object& old, Json next, bool dry_run);
  void forget(const Kind& kind, const Json& object);
  void wake_at(Millis when);
  Millis scaled(Millis time) const;

  Clock clock_{};
  double speed_{1};
  Millis skipped_{};
  std::mt19937_64 random_{};
  Store store_{};
  std::map<std::pair<std::string, std::string>, Millis> waits_{};  // uid, what -> since when
  std::map<std::string, std::string> told_{};                      // what is said about whom -> its event
  std::optional<Millis> wake_up_{};
};

std::string name_of(const Json& object);
std::string uid_of(const Json& object);
std::string ns_of(const Json& object);

/// True when the object is being deleted.
bool is_deleting(const Json& object);
/// An ownerReference to `owner`, as controllers set it.
Json owner_reference(const Json& owner);

}  // namespace wukong::sandbox
