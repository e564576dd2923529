#include "commands/registry.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "base/text.h"
#include "commands/cancel.h"
#include "commands/clone.h"
#include "commands/completion.h"
#include "commands/doctor.h"
#include "commands/status.h"
#include "commands/version.h"
#include "commands/wait.h"

namespace wukong::commands {

namespace {

constexpr const char* kGlobalsHint =
    "Global options (namespace, context, server, credentials): kubectl wukong --help";

constexpr std::size_t kHelpColumns = 80;
constexpr std::size_t kHelpIndent = 32;

/// "  names" and the text beside them; names that are too long have a line of their own.
std::string help_line(const std::string& names, const std::string& text) {
  std::string out = "  " + names;
  std::vector<std::string> lines = wrapped(text, kHelpColumns - kHelpIndent);
  if (display_width(out) + 2 <= kHelpIndent) {
    out = pad(out, kHelpIndent) + lines.front();
    lines.erase(lines.begin());
  }
  for (const std::string& line : lines) out += "\n" + std::string(kHelpIndent, ' ') + line;
  return out + "\n";
}

bool takes_value(const CLI::Option& option) { return option.get_items_expected_min() > 0; }

/// "-o,--output FORMAT", "--dry-run[=none|client|server]", "KIND/NAME...".
std::string names_and_value(const CLI::Option& option) {
  if (option.get_positional())
    return option.get_name(true) + (option.get_items_expected_max() > 1 ? "..." : "");
  std::vector<std::string> names;
  for (const std::string& name : option.get_snames()) names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) names.push_back("--" + name);
  const std::string value = value_word(option);
  if (value.empty()) return fmt::format("{}", fmt::join(names, ","));
  return fmt::format(fmt::runtime(takes_value(option) ? "{} {}" : "{}[={}]"), fmt::join(names, ","), value);
}

class Help : public CLI::Formatter {
 public:
  std::string make_option(const CLI::Option* option, bool) const override {
    std::string text = option->get_description();
    const bool repeatable = !option->get_positional() && option->get_items_expected_max() > 1;
    if (repeatable && text.find("repeatable") == std::string::npos) text += " (repeatable)";
    if (const std::string value = option->get_default_str(); !value.empty())
      text += fmt::format(" (default: {})", value);
    return help_line(names_and_value(*option), text);
  }
  std::string make_subcommand(const CLI::App* sub) const override {
    return help_line(sub->get_name(), sub->get_description());
  }
};

/// What stands in front of CLI11's reason for a value that it does not take: "--count: …", "Could not convert: --v = x".
const CLI::Option* refused_option(const CLI::App& app, std::string_view reason) {
  const auto from = reason.find('-');
  if (from == std::string_view::npos) return nullptr;
  const std::string name(reason.substr(from, reason.find_first_of(": ", from) - from));
  for (const CLI::App* sub : app.get_subcommands())
    if (const CLI::Option* option = sub->get_option_no_throw(name)) return option;
  return app.get_option_no_throw(name);
}

Error parse_error(const CLI::App& app, const CLI::Error& error) {
  const auto chosen = app.get_subcommands();
  return usage(printable(error.what()),
               fmt::format("kubectl wukong {}--help", chosen.empty() ? "" : chosen[0]->get_name() + " "));
}

/// CLI11 tells the limits of a number with three hundred digits.
Error value_error(const CLI::App& app, const CLI::Error& error) {
  const CLI::Option* option = refused_option(app, error.what());
  if (option == nullptr || option->results().empty()) return parse_error(app, error);
  const bool positive = option->get_type_name().ends_with(":POSITIVE");
  return usage(fmt::format("--{} does not take {:?}", option->get_lnames().front(),
                           printable(option->results().back())),
               !takes_value(*option) ? "it takes true or false"
               : positive            ? "it takes a whole number from 1"
                                     : "it takes a whole number");
}

/// A flag that is given twice counts as it was given last, as with kubectl: scripts append to what they were given.
void take_last(CLI::App& app) {
  for (CLI::Option* option : app.get_options([](const CLI::Option* o) { return !o->get_positional(); }))
    if (option->get_multi_option_policy() == CLI::MultiOptionPolicy::Throw)
      option->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
}

/// The last --progress counts, as for every flag.
bool asks_for_json(const std::vector<std::string>& words) {
  bool json = false;
  for (std::size_t i = 0; i < words.size() && words[i] != "--"; ++i) {
    if (words[i].starts_with("--progress=")) json = words[i] == "--progress=json";
    if (words[i] == "--progress" && i + 1 < words.size()) json = words[i + 1] == "json";
  }
  return json;
}

}  // namespace

std::string value_word(const CLI::Option& option) {
  std::string all = option.get_type_name();
  int depth = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    depth += all[i] == '[' ? 1 : all[i] == ']' ? -1 : 0;
    if (all[i] == ':' && depth == 0) return all.substr(0, i);
  }
  return all;
}

CommandShape shape_of(const CLI::App& app) {
  CommandShape shape;
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_positional() || option->get_lnames().empty()) continue;
    const FlagShape flag{.long_name = option->get_lnames().front(), .takes_value = takes_value(*option)};
    for (const std::string& name : option->get_lnames()) shape.flags.emplace(name, flag);
    for (const std::string& name : option->get_snames()) shape.flags.emplace(name, flag);
  }
  for (const CLI::App* sub : app.get_subcommands({})) shape.commands.emplace(sub->get_name(), shape_of(*sub));
  return shape;
}

Registry::Registry()
    : app_(std::make_unique<CLI::App>("VM data operations on KubeVirt and CDI", "kubectl wukong")) {
  app_->require_subcommand(0, 1);
  app_->formatter(std::make_shared<Help>());
  add_global_options(*app_, chosen_.global);
  add_clone(*app_, chosen_.run);
  add_status(*app_, chosen_.run);
  add_wait(*app_, chosen_.run);
  add_cancel(*app_, chosen_.run);
  add_doctor(*app_, chosen_.run);
  add_version(*app_, chosen_.run);
  add_completion(*app_, *app_, chosen_.run);
  take_last(*app_);
  for (CLI::App* sub : app_->get_subcommands({})) {
    take_last(*sub);
    if (sub->get_name() == kCompleteCommand) continue;  // its words are no flags of ours
    sub->fallthrough();
    sub->footer(sub->get_footer().empty() ? kGlobalsHint : sub->get_footer() + "\n" + kGlobalsHint);
  }
}
Registry::~Registry() = default;

/// CLI11's words for what it did not expect, in kubectl's.
Error Registry::explain(const std::vector<std::string>& words) const {
  const std::vector<std::string> unexpected = app_->remaining(true);
  // CLI11 lists them from the end.
  const auto found = std::find_if(words.begin(), words.end(), [&](const std::string& word) {
    return std::find(unexpected.begin(), unexpected.end(), word) != unexpected.end();
  });
  const std::string first = found == words.end() ? "" : *found;
  std::vector<std::string> known;
  const auto chosen = app_->get_subcommands();
  const CommandShape root = shape_of(*app_);
  if (!first.starts_with('-')) {
    if (!chosen.empty())
      return usage(fmt::format("{}: unexpected word {:?}", chosen[0]->get_name(), printable(first)),
                   fmt::format("kubectl wukong {} --help", chosen[0]->get_name()));
    for (const auto& [name, shape] : root.commands)
      if (!name.starts_with("__")) known.push_back(name);
    const std::string meant = closest(first, known);
    return usage(fmt::format("unknown command {:?}", printable(first)),
                 meant.empty() ? "kubectl wukong --help lists the commands"
                               : fmt::format("did you mean {:?}?", meant));
  }
  for (const auto& [name, flag] : root.flags) known.push_back("--" + flag.long_name);
  if (!chosen.empty())
    for (const auto& [name, flag] : shape_of(*chosen[0]).flags) known.push_back("--" + flag.long_name);
  const std::string meant = closest(first.substr(0, first.find('=')), known);
  return usage(fmt::format("unknown flag: {}", printable(first.substr(0, first.find('=')))),
               meant.empty()
                   ? fmt::format("kubectl wukong {}--help", chosen.empty() ? "" : chosen[0]->get_name() + " ")
                   : fmt::format("did you mean {}?", meant));
}

Result<Invocation> Registry::parse(const std::vector<std::string>& words) {
  // Completion takes words as they are: half-typed ones too.
  const bool raw = !words.empty() && words.front() == kCompleteCommand;
  wants_json_ = !raw && asks_for_json(words);
  std::vector<std::string> plain = words;
  if (!raw) {
    WUKONG_TRY(plain, normalise(words, shape_of(*app_)));
  }
  const std::vector<std::string> words_in_order = plain;
  std::reverse(plain.begin(), plain.end());  // CLI11 takes them from the end
  try {
    app_->parse(std::move(plain));
    if (!chosen_.run) chosen_.text = app_->help();
  } catch (const CLI::CallForHelp&) {
    chosen_.run = nullptr;
    chosen_.text = app_->help();
  } catch (const CLI::ExtrasError&) {
    return explain(words_in_order);
  } catch (const CLI::ConversionError& error) {
    return value_error(*app_, error);
  } catch (const CLI::ValidationError& error) {
    return value_error(*app_, error);
  } catch (const CLI::Error& error) {
    return parse_error(*app_, error);
  }
  WUKONG_TRY([[maybe_unused]] const bool known, settle_color(chosen_.global.color, false, "", "", ""));
  return std::move(chosen_);
}

}  // namespace wukong::commands
