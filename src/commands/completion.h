// `completion`: scripts for four shells, and the hidden command that they and kubectl ask for candidates.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "commands/context.h"

namespace CLI {
class App;
}

namespace wukong::commands {

inline constexpr const char* kCompleteCommand = "__complete";

/// `root` is where candidates are looked up.
void add_completion(CLI::App& app, const CLI::App& root, std::function<Result<void>(Context&)>& chosen);

/// Candidates for the last of `words` (the others stand before it; it may be empty), one per line with its description
/// behind a tab, then ":4" (no file names) or ":0": the protocol of cobra's __complete, which kubectl speaks with
/// kubectl_complete-wukong. From the option definitions: subcommands, flags, and the values of an option whose type is
/// written "one|two".
std::string complete(const CLI::App& root, const std::vector<std::string>& words);

/// The script for a shell: bash, zsh, fish or powershell. Errors: `usage`.
Result<std::string> completion_script(const std::string& shell);

}  // namespace wukong::commands
