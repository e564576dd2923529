// Whether the server is out of reach for everybody, and when it is back: then nobody needs to sleep on. Pure.
#pragma once

#include <chrono>
#include <optional>
#include <utility>

#include "base/view.h"

namespace wukong::kube {

/// Fed with the outcome of every try of one client.
class Outage {
 public:
  /// Shorter ones are trouble of single requests, and others that succeed meanwhile say nothing about them.
  static constexpr std::chrono::seconds kShortest{1};

  /// A try that got no answer, or one of a gateway that did not reach the server either.
  void failed(Time now) {
    if (!since_) since_ = now;
  }
  /// A try that was answered. True when it ends an outage.
  bool reached(Time now) {
    const std::optional<Time> since = std::exchange(since_, std::nullopt);
    return since && now - *since >= kShortest;
  }

 private:
  std::optional<Time> since_{};  // the first failure since the last answer
};

}  // namespace wukong::kube
