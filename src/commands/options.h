// The option groups that several commands share, as plain values. Words stay words here: `settle` functions turn
// them into values or say what is wrong with them.
#pragma once

#include <chrono>
#include <string>

#include "base/result.h"
#include "kube/kubeconfig.h"
#include "render/output.h"
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
  bool http1{};  // hidden
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
Result<render::OutputFormat> settle(const OutputOptions& options);
Result<render::ProgressMode> parse_progress(const std::string& word);
/// True when text to a terminal (or not: `terminal`) shall be coloured. Errors: `usage`.
Result<bool> settle_color(const std::string& flag, bool terminal, const std::string& no_color,
                          const std::string& clicolor_force, const std::string& term);

void add_global_options(CLI::App& app, GlobalOptions& options);
void add_output_options(CLI::App& app, OutputOptions& options);
void add_write_options(CLI::App& app, WriteOptions& options);

}  // namespace wukong::commands
