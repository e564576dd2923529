// Follows kinds of objects until a signal: for commands that show what goes on and change nothing.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <vector>

#include "kube/api.h"

namespace wukong::op {

using Shelves = std::vector<std::shared_ptr<const Shelf>>;

struct ObserveOptions {
  std::chrono::milliseconds least{250};  // between two calls
  std::chrono::seconds longest{1};       // without a change: ages grow
};

/// Calls `seen` with a shelf for each of `watches`, in order, when all have been heard of, and then again and again.
/// Ends with an error only: that of `seen`, or that of a signal.
Result<void> observe(kube::Api& api, const std::vector<Watched>& watches, const ObserveOptions& options,
                     const std::function<Result<void>(const Shelves&)>& seen);

}  // namespace wukong::op
