// The option groups that several commands share, as plain values. Words stay words here: `settle` functions turn
// them into values or say what is wrong with them.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/result.h"
#include "kube/kubeconfig.h"
#include "render/printer.h"
#include "render/progress_view.h"

namespace CLI {
class App;
}

namespace wukong::commands {

/// Flags that stand before or after every command.
struct GlobalOptions {
  kube::Overrides cluster{};
  bool insecure{};
  std::string color{"auto"};
  int verbosity{};  // -v
  bool http1{};     // hidden
};

/// -o and what belongs to it.
struct OutputOptions {
  std::string format{};
  bool no_headers{};
};

/// How a write is made and watched.
struct WriteOptions {
  std::string dry_run{"none"};
  bool wait{};
  std::string timeout{"30m"};
  std::string stall_timeout{"2m"};
  std::string progress{"auto"};
  bool keep_failed{};
  bool cancel_on_interrupt{};
  std::string field_manager{"kubectl-wukong"};
};

enum class DryRunMode { none, client, server };

/// WriteOptions as values.
struct Settled {
  DryRunMode dry_run{DryRunMode::none};
  std::chrono::nanoseconds timeout{};
  std::chrono::nanoseconds stall_timeout{};
  render::ProgressMode progress{render::ProgressMode::automatic};
};

/// Errors: `usage`, naming the flag, the word and what it may be.
Result<Settled> settle(const WriteOptions& options);
/// Reads the template's file, if there is one. Errors: `usage`, also for a template that cannot be parsed.
Result<render::Printer> settle(const OutputOptions& options);
Result<render::ProgressMode> parse_progress(const std::string& word);
/// True when text to a terminal (or not: `terminal`) shall be coloured. Errors: `usage`.
Result<bool> settle_color(const std::string& flag, bool terminal, const std::string& no_color,
                          const std::string& clicolor_force, const std::string& term);

/// An option that may be given several times, with one word each time: more, and it would eat the nouns.
void add_list(CLI::App& app, const char* group, const char* name, std::vector<std::string>& into,
              const char* type, const char* help);
void add_global_options(CLI::App& app, GlobalOptions& options);
void add_output_options(CLI::App& app, OutputOptions& options);
/// --timeout, --stall-timeout and --progress alone: for commands that only wait.
void add_wait_options(CLI::App& app, WriteOptions& options);
void add_write_options(CLI::App& app, WriteOptions& options);

}  // namespace wukong::commands
