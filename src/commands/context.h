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
#include "kube/discovery.h"
#include "kube/loop.h"
#include "op/dry_run.h"
#include "op/runner.h"

namespace wukong::commands {

/// The process, as values and functions: tests have their own.
struct Io {
  std::function<void(std::string_view)> out{};
  std::function<void(std::string_view)> err{};
  /// The errno with which stdout takes nothing any more, or 0; EPIPE when its reader has gone.
  std::function<int()> out_problem{};
  std::function<std::string(const char* name)> environment{};  // "" when it is not set
  /// Shows a question on stderr, and returns the line that is typed; nothing at the end of the input.
  std::function<std::optional<std::string>(std::string_view question)> ask{};
  std::function<std::pair<int, int>()> window{};  // columns and lines of the terminal; zeros: unknown
  bool out_is_terminal{};
  bool err_is_terminal{};
  bool in_is_terminal{};
  std::vector<std::string> all_environment{};  // "NAME=value", for credential plugins
  WallTime now{};
  int process{};                     // its id
  std::string random{};              // five characters [a-z0-9], different in every run
  std::vector<std::string> words{};  // what was typed after the program's name
};

/// What of the process' environment decides about the cluster.
kube::Environment kube_environment(const Io& io);

/// Where and as what an operation is planned: the same scope and facts give the same plan.
struct Scope {
  std::string ns{};
  std::string utc_stamp{};      // "20261120-052819"
  std::string operation_id{};   // on every object made, and in generated names
  std::string flags{};          // " --context prod": what else commands need that go on with this one
  std::string cluster_flags{};  // of these what tells the cluster, not the user: for commands that others run
  /// "-n demo --context prod", for commands that are printed.
  std::string where() const { return "-n " + ns + flags; }
  /// `words` with where(), or without a namespace when none is known yet.
  std::string command(const std::string& words) const {
    return words + (ns.empty() ? "" : " -n " + ns) + flags;
  }
  /// The same, but for another namespace.
  Scope in(const std::string& other) const {
    Scope there = *this;
    there.ns = other;
    return there;
  }
};

class Context {
 public:
  Context(Io io, GlobalOptions global);
  Context(const Context&) = delete;  // callbacks of the client hold on to it
  Context& operator=(const Context&) = delete;
  /// With a cluster that is there already: for tests.
  Context(Io io, GlobalOptions global, kube::Api& api, std::string ns);

  /// No request is tried for longer than `limit`, if that is shorter than usual (zero: as usual). Before connect().
  void limit_patience(std::chrono::nanoseconds limit) { patience_ = limit; }
  /// The cluster; connects at the first call. Errors: `usage`, `unreachable`, `unauthenticated`.
  Result<kube::Api*> connect();
  /// Goes on with an operation of an earlier run: `id` is its. Before connect().
  void resume(const std::string& id) { resumed_ = scope_.operation_id = id; }
  /// The command that was typed, going on with operation `id`; in words where it held a secret.
  std::string resume_command(const std::string& id) const;
  /// After connect(); before, what was typed of it.
  const Scope& scope() const { return scope_; }
  kube::Discovery& discovery() { return *discovery_; }
  /// Tells `seen` of every exchange with the cluster, when it begins and when it is answered. Before connect().
  void trace(std::function<void(const kube::Traced&, bool answered)> seen) { traced_ = std::move(seen); }
  /// How the cluster is reached; after connect().
  const kube::ClusterAccess& access() const { return access_; }
  const Io& io() const { return io_; }

  /// What is known of the terminal; stderr's, which is stdout's, too, where both are terminals.
  render::Surface surface() const;
  /// Says what the progress mode is before anything is written to stderr (errors become JSON lines with `json`).
  void set_progress(render::ProgressMode mode) { progress_ = mode; }
  void note(std::string_view kind, std::string_view message) const;
  void print_error(const Error& error) const;
  /// Writes to stdout.
  void print(std::string_view text) const { io_.out(text); }
  /// Errors: `failed` when stdout takes nothing any more; without a word where its reader has gone (`| head`).
  Result<void> check_written() const;
  /// Writes objects to stdout. Errors: `failed`: the template of -o does not fit them.
  Result<void> print_objects(render::Printer printer, std::vector<Json> objects) const;

  /// Asks on a terminal whether `what` shall be done. Errors: `precondition`: not confirmed, or there is no terminal.
  Result<void> confirm(const std::string& what) const;
  /// Refuses when the user lacks a permission that the operation's writes need; its notes say which optional ones lack.
  Result<void> check_permissions(op::Operation& operation, const std::string& command);
  /// Refuses what quotas and limit ranges of the namespace leave no room for.
  Result<void> check_quotas(const op::Operation& operation);
  /// Carries the operation out with progress on stderr. What stands afterwards and what could not be done is said.
  op::Outcome run(op::Operation operation, const WriteOptions& options, const Settled& settled);
  /// The plan (client) or what the server makes of it (server), on stdout.
  Result<void> show_plan(const op::Operation& operation, DryRunMode mode, const render::Printer& printer,
                         const std::string& field_manager);

 private:
  void log(const std::vector<std::string>& lines) const;
  std::function<void(const kube::Traced&, bool)> tracer() const;
  void warn(std::string_view words) const;
  std::vector<std::string> notes_of(const op::Operation& operation) const;
  void say_after(const op::Operation& operation, const op::Outcome& outcome) const;

  Io io_;
  GlobalOptions global_;
  std::chrono::nanoseconds patience_{};
  std::string resumed_{};  // the operation that is gone on with
  render::ProgressMode progress_{render::ProgressMode::automatic};
  std::function<void(std::string_view)> warn_beside_{};  // while an operation runs
  std::unique_ptr<kube::Loop> loop_{};
  std::unique_ptr<kube::Client> client_{};
  kube::ClusterAccess access_{};
  kube::Api* api_{};
  std::optional<kube::Discovery> discovery_{};
  std::function<void(const kube::Traced&, bool)> traced_{};
  Scope scope_{};
};

}  // namespace wukong::commands
