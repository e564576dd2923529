// All waits of one operation: shared watches, judges, deadlines, stalls.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "kube/api.h"
#include "op/operation.h"

namespace wukong::op {

/// What a wait tells while it goes on.
struct WaitNews {
  const Verdict& verdict;
  std::string trouble{};  // a problem that has stood long enough to be shown; empty when none
};

/// How long a wait may go on, and since when that counts. Length zero: for ever.
struct WaitLimit {
  Time since{};
  std::chrono::nanoseconds length{};
};

class Waits {
 public:
  using Token = std::size_t;

  /// `stall_timeout`: how long a problem may stand unmoved before the wait fails (zero: for ever).
  Waits(kube::Api& api, std::chrono::nanoseconds stall_timeout);
  ~Waits();
  Waits(const Waits&) = delete;
  Waits& operator=(const Waits&) = delete;

  /// Judges `await` (which must outlive the wait) after every change of what it watches, and by and by without one: up to
  /// 500 waits four times a second, more of them in turn, until `limit`. A stream that is not `required` and cannot be had holds nobody up,
  /// but at the end: `done` counts once each has been heard of, or may not be read. A failure is judged once more by a fresh
  /// list of all that is watched: a stream may be late by minutes when its connection stalls. `news` is called after each
  /// judgement that changed something, `done` once: with the verdict `done`, or the error. Both from within turns of the api,
  /// never from within start().
  void start(Token token, const Await& await, WaitLimit limit, std::function<void(const WaitNews&)> news,
             std::function<void(Result<Verdict>)> done);
  /// Ends all waits without calling anybody.
  void cancel_all();
  /// Why the cluster cannot be heard at present, or "".
  std::string connection() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace wukong::op
