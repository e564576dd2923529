#include "commands/completion.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>

#include "base/text.h"
#include "commands/arguments.h"
#include "commands/completion_names.h"
#include "commands/permission_table.h"
#include "commands/registry.h"

namespace wukong::commands {

namespace {

/// The option called `name` (without dashes) of the command or of all commands.
const CLI::Option* option_called(const CLI::App& root, const CLI::App& command, const std::string& name) {
  for (const CLI::App* app : {&command, &root})
    for (const CLI::Option* option : app->get_options())
      if (!option->get_positional() && option->check_name((name.size() == 1 ? "-" : "--") + name))
        return option;
  return nullptr;
}

void add_values(const CLI::Option& option, Completion& out) {
  const std::string name = option.get_lnames().empty() ? "" : option.get_lnames().front();
  if (option.get_type_name() == "FORMAT") {
    for (const std::string& format : render::output_formats())
      out.known.emplace_back(format.substr(0, std::min(format.find('='), format.size() - 1) + 1), "");
    return;
  }
  if (name == "permissions")
    for (const std::string& use : permission_uses()) out.known.emplace_back(use, "");
  if (const std::string_view source = flag_names(name); !source.empty())
    out.live.push_back({.source = std::string(source)});
  out.files = option.get_type_name() == "FILE";
  const std::vector<std::string> words = split(option.get_type_name(), '|');
  if (words.size() < 2) return;
  for (const std::string& word : words) out.known.emplace_back(word, "");
}

void add_flags(const CLI::App& app, Completion& out) {
  for (const CLI::Option* option : app.get_options())
    if (!option->get_positional() && !option->get_lnames().empty() && !option->get_group().empty())
      out.known.emplace_back("--" + option->get_lnames().front(), option->get_description());
}

const CLI::App* command_called(const CLI::App& app, const std::string& name) {
  for (const CLI::App* sub : app.get_subcommands({}))
    if (sub->get_name() == name) return sub;
  return nullptr;
}

/// What the words before the last one say: which command, and which option waits for a value.
class Place {
 public:
  Place(const CLI::App& root, const std::vector<std::string>& words) : command(&root), root_(root) {
    for (std::size_t i = 0; i + 1 < words.size(); ++i) read(words[i]);
  }

  const CLI::App* command{};
  const CLI::Option* waiting{};
  bool nouns_only{};  // behind "--"
  std::size_t nouns{};
  std::vector<std::string> globals{};

 private:
  void read(const std::string& word) {
    if (waiting != nullptr) {
      keep(*std::exchange(waiting, nullptr), word);
    } else if (nouns_only || word.empty() || word[0] != '-') {
      const CLI::App* sub = nouns == 0 ? command_called(*command, word) : nullptr;
      if (sub != nullptr)
        command = sub;
      else
        ++nouns;
    } else if (word == "--") {
      nouns_only = true;
    } else {
      word.starts_with("--") ? long_flag(word.substr(2)) : short_flags(word.substr(1));
    }
  }

  void long_flag(const std::string& word) {
    const std::size_t equals = std::min(word.find('='), word.size());
    const CLI::Option* option = option_called(root_, *command, word.substr(0, equals));
    if (option == nullptr) return;
    if (equals < word.size())
      keep(*option, word.substr(equals + 1));
    else
      without_value(*option);
  }

  /// "-n", "-nNS", "-n=NS", and flags without values written together.
  void short_flags(const std::string& letters) {
    for (std::size_t i = 0; i < letters.size(); ++i) {
      const CLI::Option* option = option_called(root_, *command, letters.substr(i, 1));
      if (option == nullptr) return;
      const std::string rest = letters.substr(i + 1);
      if (option->get_items_expected_min() == 0 || rest.empty()) {
        without_value(*option);
      } else {
        keep(*option, rest.starts_with('=') ? rest.substr(1) : rest);
        return;
      }
    }
  }

  void without_value(const CLI::Option& option) {
    if (option.get_items_expected_min() > 0)
      waiting = &option;
    else
      keep(option, "true");
  }

  void keep(const CLI::Option& option, const std::string& value) {
    const auto own = root_.get_options();
    if (std::find(own.begin(), own.end(), &option) != own.end() && !option.get_lnames().empty() &&
        !value.empty())
      globals.push_back(fmt::format("--{}={}", option.get_lnames().front(), value));
  }

  const CLI::App& root_;
};

/// Names for the noun that is typed: "web", or behind its kind, "snapshot/web-monday".
void add_nouns(const Place& place, Completion& out) {
  const NounNames* rule = noun_names(place.command->get_name(), place.nouns);
  if (rule == nullptr) return;
  const std::size_t slash = out.prefix.find('/');
  if (slash == std::string::npos && !rule->bare.empty())
    out.live.push_back({.source = std::string(rule->bare)});
  for (const std::string& kind : split(rule->kinds, ',')) {
    if (slash == std::string::npos)
      out.known.emplace_back(kind + "/", "");
    else if (kind == out.prefix.substr(0, slash))
      out.live.push_back({.source = kind, .lead = kind + "/"});
  }
}

void add_subcommands(const CLI::App& app, Completion& out) {
  for (const CLI::App* sub : app.get_subcommands({}))
    if (!sub->get_group().empty()) out.known.emplace_back(sub->get_name(), sub->get_description());
  if (app.get_name() == "completion")
    for (const char* shell : {"bash", "fish", "powershell", "zsh"}) out.known.emplace_back(shell, "");
}

}  // namespace

Completion complete(const CLI::App& root, const std::vector<std::string>& words) {
  const std::string last = words.empty() ? "" : words.back();
  const Place place(root, words);
  Completion out{.prefix = last, .globals = place.globals};
  const auto equals = last.find('=');
  if (place.waiting != nullptr) {
    add_values(*place.waiting, out);
  } else if (!place.nouns_only && last.starts_with("--") && equals != std::string::npos) {
    out.lead = last.substr(0, equals + 1);
    out.prefix = last.substr(equals + 1);
    if (const CLI::Option* option = option_called(root, *place.command, last.substr(2, equals - 2)))
      add_values(*option, out);
  } else if (!place.nouns_only && last.starts_with('-')) {
    add_flags(*place.command, out);
    if (place.command != &root) add_flags(root, out);
  } else {
    if (place.nouns == 0) add_subcommands(*place.command, out);
    add_nouns(place, out);
  }
  return out;
}

std::string answer(const Completion& completion) {
  std::string lines;
  bool goes_on = true;  // every candidate is only the beginning of a word
  for (const auto& [word, help] : completion.known) {
    if (!word.starts_with(completion.prefix)) continue;
    lines += fmt::format("{}{}\t{}\n", completion.lead, word, help);
    goes_on = goes_on && (word.ends_with('/') || word.ends_with('='));
  }
  if (completion.files) return lines + ":0\n";
  return lines + (goes_on && !lines.empty() ? ":6\n" : ":4\n");
}

void add_completion(CLI::App& app, const CLI::App& root, std::function<Result<void>(Context&)>& chosen) {
  auto shell = std::make_shared<std::string>();
  CLI::App* sub =
      app.add_subcommand("completion", "Print a completion script for bash, zsh, fish or powershell");
  sub->add_option("SHELL", *shell, "bash, zsh, fish or powershell")->required()->type_name("");
  sub->footer(
      "For `kubectl wukong <TAB>`, put completions/kubectl_complete-wukong on PATH,\n"
      "beside kubectl-wukong.");
  sub->callback([shell, &chosen] {
    chosen = [shell](Context& cx) -> Result<void> {
      WUKONG_TRY(const std::string script, completion_script(*shell));
      cx.print(script);
      return {};
    };
  });

  CLI::App* hidden = app.add_subcommand(kCompleteCommand, "Candidates for the last word")->group("");
  hidden->prefix_command();
  hidden->callback([hidden, &root, &chosen] {
    chosen = [words = hidden->remaining(), &root](Context& cx) -> Result<void> {
      Completion completion = complete(root, words);
      if (!completion.live.empty()) add_live_names(completion, cx.io());
      cx.print(answer(completion));
      return {};
    };
  });
}

}  // namespace wukong::commands
