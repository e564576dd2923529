// What a command has at hand: the process around it, the cluster, and how an operation is shown and carried out.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "commands/options.h"
#include "kube/api.h"
#include "kube/client.h"
#include "kube/loop.h"
#include "op/dry_run.h"
#include "op/runner.h"

namespace wukong::commands {

/// The process, as values and functions: tests have their own.
struct Io {
  std::function<void(std::string_view)> out{};
  std::function<void(std::string_view)> err{};
  std::function<std::string(const char* name)> environment{};  // "" when it is not set
  std::function<std::pair<int, int>()> window{};  // columns and lines of stderr's terminal; zeros: unknown
  bool out_is_terminal{};
  bool err_is_terminal{};
  bool in_is_terminal{};
  std::vector<std::string> all_environment{};  // "NAME=value", for credential plugins
  WallTime now{};
  std::string random{};  // ten characters [a-z0-9], different in every run
};

/// Where and as what an operation is planned: the same scope and facts give the same plan.
struct Scope {
  std::string ns{};
  std::string utc_stamp{};     // "20261120-052819"
  std::string operation_id{};  // on every object made
  std::string suffix{};        // five characters for generated names
};

class Context {
 public:
  Context(Io io, GlobalOptions global) : io_(std::move(io)), global_(std::move(global)) {}
  Context(const Context&) = delete;  // callbacks of the client hold on to it
  Context& operator=(const Context&) = delete;
  /// With a cluster that is there already: for tests.
  Context(Io io, GlobalOptions global, kube::Api& api, std::string ns);

  /// No request is tried for longer than `limit`, if that is shorter than usual (zero: as usual). Before connect().
  void limit_patience(std::chrono::nanoseconds limit) { patience_ = limit; }
  /// The cluster; connects at the first call. Errors: `usage`, `unreachable`, `unauthenticated`.
  Result<kube::Api*> connect();
  /// After connect().
  const Scope& scope() const { return scope_; }
  const Io& io() const { return io_; }

  /// Says what the progress mode is before anything is written to stderr (errors become JSON lines with `json`).
  void set_progress(render::ProgressMode mode) { progress_ = mode; }
  void note(std::string_view kind, std::string_view message) const;
  void print_error(const Error& error) const;
  /// Writes to stdout.
  void print(std::string_view text) const { io_.out(text); }

  /// Refuses when the user lacks a permission that the operation's writes need; says which optional ones lack.
  Result<void> check_permissions(const op::Operation& operation, const std::string& command);
  /// Carries the operation out with progress on stderr. What stands afterwards and what could not be done is said.
  op::Outcome run(op::Operation operation, const WriteOptions& options, const Settled& settled);
  /// The plan (client) or what the server makes of it (server), on stdout.
  Result<void> show_plan(const op::Operation& operation, DryRunMode mode, render::OutputFormat format,
                         const std::string& field_manager);

 private:
  render::Surface surface() const;
  void say_after(const op::Operation& operation, const op::Outcome& outcome) const;

  Io io_;
  GlobalOptions global_;
  std::chrono::nanoseconds patience_{};
  render::ProgressMode progress_{render::ProgressMode::automatic};
  std::unique_ptr<kube::Loop> loop_{};
  std::unique_ptr<kube::Client> client_{};
  kube::Api* api_{};
  Scope scope_{};
};

}  // namespace wukong::commands
