#include "commands/arguments.h"

#include <fmt/format.h>

namespace wukong::commands {

namespace {

using Flags = std::map<std::string, FlagShape>;

/// Every flag of a command and all below it: enough to tell values from nouns while the command is not known yet.
void collect(const CommandShape& shape, Flags& all) {
  all.insert(shape.flags.begin(), shape.flags.end());
  for (const auto& [name, command] : shape.commands) collect(command, all);
}

struct Reader {
  const std::vector<std::string>& words;
  const CommandShape* command{};
  Flags flags{};
  std::vector<std::string> path{};
  std::vector<std::string> options{};
  std::vector<std::string> nouns{};
  std::size_t at{};

  Result<void> read() {
    for (at = 0; at < words.size(); ++at) {
      const std::string& word = words[at];
      if (word == "--") {
        nouns.insert(nouns.end(), words.begin() + static_cast<std::ptrdiff_t>(at) + 1, words.end());
        break;
      }
      if (word.size() > 2 && word.starts_with("--")) {
        WUKONG_CHECK(long_flag(word));
      } else if (word.size() > 1 && word[0] == '-') {
        WUKONG_CHECK(short_flags(word));
      } else {
        noun(word);
      }
    }
    return {};
  }

  void noun(const std::string& word) {
    const auto sub = nouns.empty() ? command->commands.find(word) : command->commands.end();
    if (sub == command->commands.end()) {
      nouns.push_back(word);
      return;
    }
    command = &sub->second;
    path.push_back(word);
  }

  Result<void> long_flag(const std::string& word) {
    const auto equals = word.find('=');
    const auto known = flags.find(word.substr(2, equals == std::string::npos ? equals : equals - 2));
    if (known == flags.end()) {
      options.push_back(word);
      return {};
    }
    if (equals != std::string::npos) return add(known->second, word.substr(equals + 1));
    return value_or_none(known->second, word);
  }

  /// "-n", "-nNS", "-n=NS", and flags without values written together.
  Result<void> short_flags(const std::string& word) {
    for (std::size_t i = 1; i < word.size(); ++i) {
      const auto known = flags.find(std::string(1, word[i]));
      if (known == flags.end()) {
        options.push_back(i == 1 ? word : "-" + word.substr(i));
        return {};
      }
      const std::string rest = word.substr(i + 1);
      if (rest.starts_with('=')) return add(known->second, rest.substr(1));
      if (!known->second.takes_value) {
        options.push_back("--" + known->second.long_name);
      } else {
        return rest.empty() ? value_or_none(known->second, word) : add(known->second, rest);
      }
    }
    return {};
  }

  Result<void> value_or_none(const FlagShape& flag, const std::string& word) {
    if (!flag.takes_value) {
      options.push_back("--" + flag.long_name);
      return {};
    }
    if (at + 1 == words.size()) return usage(fmt::format("flag needs an argument: {}", word));
    return add(flag, words[++at]);
  }

  /// An empty value is the default: CLI11 would take the next word instead.
  Result<void> add(const FlagShape& flag, const std::string& value) {
    if (!value.empty()) options.push_back(fmt::format("--{}={}", flag.long_name, value));
    return {};
  }
};

}  // namespace

Result<std::vector<std::string>> normalise(const std::vector<std::string>& words, const CommandShape& root) {
  Reader reader{.words = words, .command = &root};
  collect(root, reader.flags);
  WUKONG_CHECK(reader.read());
  std::vector<std::string> all = std::move(reader.path);
  all.insert(all.end(), reader.options.begin(), reader.options.end());
  for (const std::string& noun : reader.nouns)
    if (noun.size() > 1 && noun.starts_with('-')) {
      all.emplace_back("--");
      break;
    }
  all.insert(all.end(), reader.nouns.begin(), reader.nouns.end());
  return all;
}

}  // namespace wukong::commands
