// The list of subcommands, and how words become the one that is run.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "commands/arguments.h"
#include "commands/context.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace wukong::commands {

/// What a parsed command line asks for.
struct Invocation {
  std::function<Result<void>(Context&)> run{};  // empty: there is only `text` to print
  std::string text{};                           // help or version text for stdout
  GlobalOptions global{};
};

/// The definitions of all commands and their options, from which parsing, help and completion are made.
class Registry {
 public:
  Registry();
  ~Registry();
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  /// Parses `words` (without the program's name); to be called once. The registry must outlive what is run.
  /// Errors: `usage`, with the word that was probably meant.
  Result<Invocation> parse(const std::vector<std::string>& words);
  const CLI::App& app() const { return *app_; }
  /// True when the words hold --progress=json: errors of parse() are JSON then, too.
  bool wants_json() const { return wants_json_; }
  /// The global options as far as they were understood: for errors of parse() itself.
  const GlobalOptions& global() const { return chosen_.global; }

 private:
  Error explain(const std::vector<std::string>& words) const;

  std::unique_ptr<CLI::App> app_;
  Invocation chosen_{};
  bool wants_json_{};
};

/// What an option's value is called, "" for none: CLI11 puts how it checks the value behind a colon; our own colons stand in brackets.
std::string value_word(const CLI::Option& option);

/// The names of all flags and commands below `app`.
CommandShape shape_of(const CLI::App& app);

}  // namespace wukong::commands
