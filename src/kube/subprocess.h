// Child processes without a shell: started by posix_spawn, watched by a pidfd, driven by whoever polls.
#pragma once

#include <poll.h>
#include <signal.h>
#include <sys/types.h>
#include <termios.h>
#include <unistd.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace wukong::kube {

/// A file descriptor that is closed when it goes.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) reset(std::exchange(other.fd_, -1));
    return *this;
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() { reset(); }
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  void reset(int fd = -1);

 private:
  int fd_{-1};
};

struct ChildSpec {
  enum class Input { null, inherit };
  enum class Output { null, inherit, pipe };
  std::string program{};                   // with a slash: a path; else searched in our PATH
  std::vector<std::string> arguments{};    // without the program itself
  std::vector<std::string> environment{};  // "NAME=value": all of it, nothing is inherited
  Input in{Input::null};
  Output out{Output::pipe};
  Output err{Output::inherit};
  std::size_t max_output{1024UL * 1024UL};            // bytes of stdout; a child that writes more is killed
  std::function<void(std::string_view)> on_stderr{};  // for err = pipe: each piece as it comes
  std::optional<sigset_t>
      signal_mask{};  // what the child starts with: the mask from before signalfd; default: empty
};

/// The settings of the terminal at stdin (echo, line by line): as they were, they are put back when this goes. A program
/// that asked for a password may have died before it did. Nothing happens without a terminal, or in the background.
class TerminalSettings {
 public:
  TerminalSettings() : known_(::tcgetattr(STDIN_FILENO, &settings_) == 0) {}
  TerminalSettings(const TerminalSettings&) = delete;
  TerminalSettings& operator=(const TerminalSettings&) = delete;
  ~TerminalSettings();

 private:
  termios settings_{};
  bool known_{};
};

/// How a child ended.
struct ChildEnd {
  int exit_code{-1};  // -1: by a signal
  int signal{};
  std::string out{};       // stdout, for out = pipe
  std::string err_tail{};  // the last 4 KiB of stderr, for err = pipe
  bool too_much_output{};  // killed for it
};

/// A running child. Dropping it kills it (SIGKILL) and leaves no zombie. It has ended when the process itself
/// has: grandchildren that keep the pipes open are not waited for.
class Child {
 public:
  /// Errors: `not_found` when there is no such program, `failed` for the rest. Messages name the program, no
  /// arguments.
  static Result<Child> start(ChildSpec spec);
  Child(Child&& other) noexcept;
  Child& operator=(Child&& other) noexcept;
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child();

  /// What to poll for: pump() when any of them is ready. Empty once ended.
  std::vector<pollfd> waits() const;
  /// Reads and reaps what is ready; never blocks.
  void pump();
  bool ended() const { return pid_ < 0; }
  /// Only once ended.
  const ChildEnd& end() const { return end_; }
  void kill(int signal);
  pid_t pid() const { return pid_; }

 private:
  Child() = default;
  void drain_stdout();
  void drain_stderr();
  void destroy();

  ChildSpec spec_{};
  pid_t pid_{-1};
  Fd pidfd_{};
  Fd out_{};
  Fd err_{};
  std::unique_ptr<TerminalSettings> terminal_{};  // of a child that has our stdin
  ChildEnd end_{};
};

/// Starts a child and waits for its end. For use where no loop runs yet.
Result<ChildEnd> run_child(ChildSpec spec);

}  // namespace wukong::kube
