// Carries out operations: every ready step, M at a time; waits; undoes; never decides.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/progress.h"
#include "op/operation.h"

namespace wukong::op {

struct RunOptions {
  std::size_t max_in_flight{32};
  /// Of all waits of the main part together, from the start; of one that has a limit of its own, whichever is sooner. Zero: none.
  std::chrono::nanoseconds timeout{};
  std::chrono::nanoseconds stall_timeout{std::chrono::minutes{2}};  // zero: never
  bool keep_failed{};                                               // no undo
  bool cancel_on_interrupt{};                                       // the first Ctrl-C undoes and tidies
  std::string field_manager{"kubectl-wukong"};
};

/// How it ended.
struct Outcome {
  std::vector<Error> errors{};    // one per failed step of the main part, in the order they happened
  std::size_t succeeded{};        // groups all of whose main steps are done
  std::size_t failed{};           // groups with a failed step
  std::vector<ObjectRef> made{};  // created and not deleted again
  std::vector<std::string>
      removed{};  // "virtualmachine.kubevirt.io/x": what was deleted, in the order it happened
  std::vector<std::string> left{};    // what undo, put_back and tidy could not do: object and reason
  std::vector<Error> not_put_back{};  // those of it that were there before, and are not as they were
  std::vector<std::string> notes{};   // messages of verdicts that ended well
  int signal{};                       // SIGINT, SIGTERM or SIGHUP when interrupted
  bool abandoned{};                   // second signal: left at once
  bool undone{};                      // undo steps ran; `made` and `left` tell what they left
  Seen seen{};                        // answers and verdicts, by step
  /// The one error of the whole (none: success). Several: the first, with the counts; some of many: `partly`.
  std::optional<Error> error{};
};

class Runner {
 public:
  Runner(kube::Api& api, Operation operation, RunOptions options);
  ~Runner();
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  /// Starts everything that is ready. Then turn the api until finished().
  void start();
  bool finished() const;
  /// The signal that interrupted, or 0.
  int signal() const;
  /// SIGINT, SIGTERM or SIGHUP. First: nothing new is started, writes in flight finish, waits end, then put_back
  /// steps. Second: finished() at once; neither a SIGHUP nor what comes after it counts as one.
  void interrupt(int signal);

  const Progress& progress() const;
  const Seen& seen() const;
  /// Only when finished().
  const Outcome& outcome() const;

 private:
  struct State;
  std::shared_ptr<State> state_;  // callbacks know it weakly: requests outlive an abandoned run
};

/// start() and turn `api` until finished; signals of `api` interrupt. `changed` is called before the start, and after it and each
/// turn.
Outcome run(kube::Api& api, Operation operation, RunOptions options,
            const std::function<void(const Runner&)>& changed);

}  // namespace wukong::op
