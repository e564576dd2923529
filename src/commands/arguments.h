// Makes the words of the command line mean what kubectl's parser (pflag) would make of them, before CLI11 sees them.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"

namespace wukong::commands {

/// What must be known of a flag to read words.
struct FlagShape {
  std::string long_name{};  // without dashes
  bool takes_value{};       // the next word is its value when none stands behind "="
};

/// A command's flags by every name they have ("n", "namespace"), without dashes, and its subcommands.
struct CommandShape {
  std::map<std::string, FlagShape> flags{};
  std::map<std::string, CommandShape> commands{};
};

/// The words in a form that leaves nothing to interpretation: the (sub)command first, then every flag as "--name=value" or
/// "--name", the nouns in their order, and "--" before them when a noun begins with a dash.
/// Flags may stand anywhere, also before the command. A flag without a value at the end is an error, an unknown one stays
/// as it is: CLI11 reports it. Errors: `usage`.
Result<std::vector<std::string>> normalise(const std::vector<std::string>& words, const CommandShape& root);

}  // namespace wukong::commands
