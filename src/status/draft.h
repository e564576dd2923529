// A verdict in the making: memory carried over, and how long something has stood.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/view.h"

namespace wukong::status {

/// Streams of several kinds are not ordered among each other: what one stream says is believed against another
/// only when it has stood for a while. A failure that nothing but such a comparison shows must stand longest.
inline constexpr std::chrono::seconds kSettled{1};
inline constexpr std::chrono::seconds kCertain{5};

class Draft {
 public:
  /// Starts from the memory of `before`.
  Draft(const Verdict& before, Duration waited);

  /// True when `what` has been asked for in every judgement since at least `least` ago, this one included.
  bool stood(std::string_view what, Duration least);
  void remember(std::string key, std::string value) {
    memory_.insert_or_assign(std::move(key), std::move(value));
  }
  /// The remembered value, or "".
  std::string recall(const std::string& key) const;

  /// A cause that says no more than that the storage is still at work is told as a detail.
  Verdict working(std::string stage, std::string detail = {}, std::string cause = {}) const;
  /// Still working, and nothing else to say than last time; "Starting" the first time.
  Verdict as_before() const;
  Verdict done(std::string message = {}) const;
  Verdict failed(std::string message, std::string hint = {}) const;

 private:
  const Verdict& before_;
  Duration waited_{};
  std::map<std::string, std::string> memory_{};
};

/// True for what a CSI driver answers while it still makes a volume or a snapshot: another call for it is under way, or this
/// one took longer than the caller waits. Callers ask again, and tell of it as of a failure.
/// Source: CSI spec.md, "ABORTED: operation pending"; external-provisioner, checkError.
bool is_still_at_work(std::string_view problem);
inline constexpr std::string_view kStillAtWork = "the storage is still at work";

/// `parts` that are not empty, joined by "; ".
std::string sentences(std::initializer_list<std::string> parts);

/// Names kept in one memory value: "a,b". Kubernetes names contain no comma.
std::string join_names(const std::vector<std::string>& names);
std::vector<std::string> split_names(const std::string& joined);

/// "disk" or "disks", to stand after `count`.
std::string plural(std::size_t count, std::string_view one);

}  // namespace wukong::status
