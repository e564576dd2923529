// `completion`: scripts for four shells, and the hidden command that they and kubectl ask for candidates.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "commands/context.h"

namespace CLI {
class App;
}

namespace wukong::commands {

inline constexpr const char* kCompleteCommand = "__complete";

/// `root` is where candidates are looked up.
void add_completion(CLI::App& app, const CLI::App& root, std::function<Result<void>(Context&)>& chosen);

/// What may stand where the last word is: known from the option definitions, or names that have to be asked for.
struct Completion {
  struct Live {
    std::string source{};  // "vm", "context" …: see add_live_names()
    std::string lead{};    // stands before each name: "snapshot/"
  };
  std::string prefix{};  // what the user has typed of the word
  std::string lead{};    // stands before each candidate: "--output=" while a value is typed behind "="
  std::vector<std::pair<std::string, std::string>> known{};  // candidates and their descriptions
  std::vector<Live> live{};
  bool files{};                        // names of files fit
  std::vector<std::string> globals{};  // the global flags among the words, "--name=value"
};

/// For the last of `words` (the others stand before it; it may be empty). From the option definitions: subcommands, flags,
/// values of an option whose type is written "one|two", and which live names fit.
Completion complete(const CLI::App& root, const std::vector<std::string>& words);

/// One candidate per line with its description behind a tab, then the directive: the protocol of cobra's __complete, which
/// kubectl speaks with kubectl_complete-wukong. ":4": no file names; ":6": and no space behind the only one; ":0": files.
std::string answer(const Completion& completion);

/// The script for a shell: bash, zsh, fish or powershell. Errors: `usage`.
Result<std::string> completion_script(const std::string& shell);

}  // namespace wukong::commands
