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

/// `parts` that are not empty, joined by "; ".
std::string sentences(std::initializer_list<std::string> parts);

/// Names kept in one memory value: "a,b". Kubernetes names contain no comma.
std::string join_names(const std::vector<std::string>& names);
std::vector<std::string> split_names(const std::string& joined);

/// "disk" or "disks", to stand after `count`.
std::string plural(std::size_t count, std::string_view one);

}  // namespace wukong::status
