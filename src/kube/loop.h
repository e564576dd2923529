// The event loop: sockets of libcurl, timers, signals, other file descriptors, messages from threads. One
// thread.
#pragma once

#include <curl/curl.h>
#include <poll.h>
#include <signal.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/view.h"
#include "kube/api.h"
#include "kube/subprocess.h"

namespace wukong::kube {

/// Nothing calls back but turn(). While a Loop lives, the signals that it hears are blocked in its thread (SIGHUP, SIGTSTP and
/// SIGQUIT only where they were not ignored before: nohup) and SIGPIPE is ignored in the process; both are put back when it
/// goes. Make it before any other thread: threads inherit the mask. Handles may outlive the loop.
class Loop {
 public:
  /// Errors: `failed` when the system refuses a signalfd or libcurl does not start.
  static Result<std::unique_ptr<Loop>> make();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  Time now() const { return std::chrono::steady_clock::now(); }
  /// Calls `fire` once, `delay` from now.
  Handle after(Duration delay, std::function<void()> fire);
  /// Calls `act` in this or the next turn. For results that are there before anybody can wait for them.
  void defer(std::function<void()> act);
  /// As `defer`, from any thread; wakes the loop.
  void post(std::function<void()> message);
  /// Hears SIGINT, SIGTERM and SIGHUP: the newest handler only; without one they are kept for the next.
  Handle on_signal(std::function<void(int)> heard);
  /// Hears SIGTSTP and SIGQUIT, before they do what they do by default.
  Handle on_leave(std::function<void()> leave);
  /// Hears SIGWINCH.
  Handle on_resize(std::function<void()> heard);
  /// Calls `ready` in each turn in which one of the descriptors is ready. `wanted` is asked before every
  /// sleep.
  Handle on_ready(std::function<std::vector<pollfd>()> wanted, std::function<void()> ready);
  /// Carries out a transfer; the easy handle must live until `finished` or until the Handle is dropped, which
  /// cancels.
  Handle transfer(CURL* easy, std::function<void(CURLcode)> finished);
  /// The mask from before this loop: what child processes start with.
  const sigset_t& outer_signal_mask() const;

  /// Moves bytes and delivers what is ready; when nothing was, sleeps until the next socket event, timer,
  /// message or signal.
  void turn();

 private:
  struct State;
  explicit Loop(std::shared_ptr<State> state) : state_(std::move(state)) {}
  std::shared_ptr<State> state_;  // Handles hold it weakly
};

}  // namespace wukong::kube
