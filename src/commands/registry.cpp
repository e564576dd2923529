#include "commands/registry.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "base/text.h"
#include "commands/clone.h"
#include "commands/completion.h"
#include "commands/version.h"

namespace wukong::commands {

namespace {

constexpr const char* kGlobalsHint =
    "Global options (namespace, context, server, credentials): kubectl wukong --help";

constexpr std::size_t kHelpColumns = 80;
constexpr std::size_t kHelpIndent = 32;

/// `text` as lines of at most `columns`, broken at spaces.
std::vector<std::string> wrapped(const std::string& text, std::size_t columns) {
  std::vector<std::string> lines{""};
  for (const std::string& word : split(text, ' ')) {
    std::string& line = lines.back();
    if (line.empty())
      line = word;
    else if (display_width(line) + 1 + display_width(word) <= columns)
      line += " " + word;
    else
      lines.push_back(word);
  }
  return lines;
}

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

class Help : public CLI::Formatter {
 public:
  std::string make_option(const CLI::Option* option, bool is_positional) const override {
    return help_line(make_option_name(option, is_positional) + make_option_opts(option),
                     make_option_desc(option));
  }
  std::string make_subcommand(const CLI::App* sub) const override {
    return help_line(sub->get_name(), sub->get_description());
  }
};

bool takes_value(const CLI::Option& option) { return option.get_items_expected_min() > 0; }

/// A flag that is given twice counts as it was given last, as with kubectl: scripts append to what they were given.
void take_last(CLI::App& app) {
  for (CLI::Option* option : app.get_options([](const CLI::Option* o) { return !o->get_positional(); }))
    if (option->get_multi_option_policy() == CLI::MultiOptionPolicy::Throw)
      option->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
}

}  // namespace

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
      return {.code = Code::usage,
              .message = fmt::format("{}: unexpected word {:?}", chosen[0]->get_name(), printable(first)),
              .hint = fmt::format("kubectl wukong {} --help", chosen[0]->get_name())};
    for (const auto& [name, shape] : root.commands)
      if (!name.starts_with("__")) known.push_back(name);
    const std::string meant = closest(first, known);
    return {.code = Code::usage,
            .message = fmt::format("unknown command {:?}", printable(first)),
            .hint = meant.empty() ? "kubectl wukong --help lists the commands"
                                  : fmt::format("did you mean {:?}?", meant)};
  }
  for (const auto& [name, flag] : root.flags) known.push_back("--" + flag.long_name);
  if (!chosen.empty())
    for (const auto& [name, flag] : shape_of(*chosen[0]).flags) known.push_back("--" + flag.long_name);
  const std::string meant = closest(first.substr(0, first.find('=')), known);
  return {.code = Code::usage,
          .message = fmt::format("unknown flag: {}", printable(first.substr(0, first.find('=')))),
          .hint = meant.empty() ? fmt::format("kubectl wukong {}--help",
                                              chosen.empty() ? "" : chosen[0]->get_name() + " ")
                                : fmt::format("did you mean {}?", meant)};
}

Result<Invocation> Registry::parse(const std::vector<std::string>& words) {
  // Completion takes words as they are: half-typed ones too.
  const bool raw = !words.empty() && words.front() == kCompleteCommand;
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
  } catch (const CLI::Error& error) {
    const auto chosen = app_->get_subcommands();
    return Error{
        .code = Code::usage,
        .message = printable(error.what()),
        .hint = fmt::format("kubectl wukong {}--help", chosen.empty() ? "" : chosen[0]->get_name() + " ")};
  }
  WUKONG_TRY([[maybe_unused]] const bool known, settle_color(chosen_.global.color, false, "", "", ""));
  return std::move(chosen_);
}

}  // namespace wukong::commands
