// Tells how long a retried problem has stood without anything moving.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "base/view.h"

namespace wukong::op {

/// Fed with every verdict of one wait. A problem stands from its first sight until the wait moves (another
/// stage, detail or fraction) or until it has been gone for `kGone`: controllers clear and set it while they
/// retry.
class StallClock {
 public:
  /// How long a problem must stand before it is shown: many flash by in healthy runs.
  static constexpr std::chrono::seconds kShown{2};
  static constexpr std::chrono::seconds kGone{5};

  /// `blind`: the cluster cannot be heard, so nothing is known to stand; the clock starts anew.
  void feed(const Verdict& verdict, Time now, bool blind);
  /// The problem that stands at `now`, or "".
  const std::string& cause() const { return cause_; }
  /// For how long; zero without one.
  Duration stood(Time now) const { return since_ ? now - *since_ : Duration::zero(); }

 private:
  std::string cause_{};
  std::optional<Time> since_{};
  Time last_seen_{};
  std::string stage_{};
  std::string detail_{};
  std::optional<double> fraction_{};
};

}  // namespace wukong::op
