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

const char* const kGlobalsHint =
    "Global options (namespace, context, server, credentials): kubectl wukong --help";

bool takes_value(const CLI::Option& option) { return option.get_items_expected_min() > 0; }

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
  app_->get_formatter()->column_width(40);
  add_global_options(*app_, chosen_.global);
  add_clone(*app_, chosen_.run);
  add_version(*app_, chosen_.run);
  add_completion(*app_, *app_, chosen_.run);
  for (CLI::App* sub : app_->get_subcommands({})) {
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
  return std::move(chosen_);
}

}  // namespace wukong::commands
