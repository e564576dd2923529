// Manual pages: what stands between ".\" begin NAME" and ".\" end NAME" is made from the option definitions, the rest by hand.
// A command without a page fails; WUKONG_TEST_ACCEPT=1 then writes a first one, and brings the others up to date.
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "base/text.h"
#include "commands/registry.h"
#include "support/golden.h"

namespace wukong::commands {

namespace {

constexpr std::size_t kColumns = 78;

/// `text` as troff takes it literally.
std::string troff(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\')
      out += "\\e";
    else if (c == '-')
      out += "\\-";
    else
      out += c;
  }
  return out.starts_with('.') || out.starts_with('\'') ? "\\&" + out : out;
}

std::string filled(const std::string& text) {
  std::string out;
  std::string line;
  for (const std::string& word : split(text, ' ')) {
    if (!line.empty() && line.size() + 1 + word.size() > kColumns) out += std::exchange(line, "") + "\n";
    line += (line.empty() ? "" : " ") + word;
  }
  return out + line + "\n";
}

std::string sentence(std::string text) {
  if (!text.ends_with('.') && !text.ends_with('?')) text += '.';
  return text;
}

std::string option_entry(const CLI::Option& option) {
  std::vector<std::string> names;
  for (const std::string& name : option.get_snames()) names.push_back("\\fB\\-" + name + "\\fR");
  for (const std::string& name : option.get_lnames()) names.push_back("\\fB\\-\\-" + troff(name) + "\\fR");
  std::string title = fmt::format("{}", fmt::join(names, ", "));
  const std::string type = "\\fI" + troff(value_word(option)) + "\\fR";
  if (!option.get_type_name().empty())
    title += option.get_items_expected_min() > 0 ? " " + type : "[=" + type + "]";
  std::string text = sentence(option.get_description());
  if (const std::string value = option.get_default_str(); !value.empty()) text += " Default: " + value + ".";
  return ".TP\n" + title + "\n" + filled(troff(text));
}

std::string options_of(const CLI::App& app, bool positional) {
  std::string out;
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_positional() != positional || option->get_group().empty()) continue;
    out += positional ? fmt::format(".TP\n\\fI{}\\fR\n{}", option->get_name(true),
                                    filled(troff(sentence(option->get_description()))))
                      : option_entry(*option);
  }
  return out;
}

std::string name_of(const CLI::App& app) {
  std::string description = app.get_description();
  if (description.size() > 1 && std::islower(static_cast<unsigned char>(description[1])) != 0)
    description[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(description[0])));
  return filled(fmt::format("kubectl\\-wukong\\-{} \\- {}", troff(app.get_name()), troff(description)));
}

std::string synopsis_of(const CLI::App& app) {
  std::string out = fmt::format(".B kubectl wukong {}\n", troff(app.get_name()));
  for (const CLI::Option* option : app.get_options()) {
    if (!option->get_positional()) continue;
    const std::string dots = option->get_items_expected_max() > 1 ? "..." : "";
    out += option->get_required() ? fmt::format("\\fI{}\\fR{}\n", option->get_name(true), dots)
                                  : fmt::format("[\\fI{}\\fR{}]\n", option->get_name(true), dots);
  }
  return out + "[\\fIoptions\\fR]\n";
}

/// The examples at the end of a command's help: comments as text, commands as they are.
std::string examples_of(const CLI::App& app) {
  std::string out;
  bool inside = false;
  for (const std::string& line : split(app.get_footer(), '\n')) {
    const std::string text(trim(line));
    if (text == "Examples:") {
      inside = true;
    } else if (!line.starts_with("  ")) {
      inside = false;
    } else if (inside && text.starts_with("# ")) {
      out += (out.empty() ? "" : ".PP\n") + filled(troff(sentence(text.substr(2))));
    } else if (inside) {
      out += ".PP\n.RS 4\n.nf\n" + troff(text) + "\n.fi\n.RE\n";
    }
  }
  return out;
}

std::vector<const CLI::App*> commands_of(const CLI::App& root) {
  std::vector<const CLI::App*> out;
  for (const CLI::App* app : root.get_subcommands({}))
    if (!app->get_group().empty()) out.push_back(app);
  return out;
}

std::string list_of_commands(const CLI::App& root) {
  std::string out;
  for (const CLI::App* app : commands_of(root))
    out += fmt::format(".TP\n\\fB{}\\fR\n{}See\n.BR kubectl\\-wukong\\-{} (1).\n", troff(app->get_name()),
                       filled(troff(sentence(app->get_description()))), troff(app->get_name()));
  return out;
}

using Parts = std::map<std::string, std::string>;

/// `page` with each part between its marks.
std::string with_parts(const std::string& page, const Parts& parts) {
  std::string out;
  std::string skipping;
  for (const std::string& line : split(page.ends_with('\n') ? page.substr(0, page.size() - 1) : page, '\n')) {
    const auto mark = [&](const char* word) {
      const std::string lead = fmt::format(".\\\" {} ", word);
      return line.starts_with(lead) ? line.substr(lead.size()) : std::string();
    };
    if (!skipping.empty() && mark("end") == skipping) skipping.clear();
    if (skipping.empty()) out += line + "\n";
    if (const auto part = parts.find(mark("begin")); part != parts.end()) {
      out += part->second;
      skipping = part->first;
    }
  }
  return out;
}

std::string marked(const std::string& part) { return fmt::format(".\\\" begin {0}\n.\\\" end {0}\n", part); }

/// The first page of a command, for a person to go on with.
std::string first_page(const CLI::App& app, const Parts& parts) {
  std::string title = "kubectl-wukong-" + app.get_name();
  for (char& c : title) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  const auto section = [&](const char* heading, const std::string& part) {
    return parts.at(part).empty() ? "" : fmt::format(".SH {}\n{}", heading, marked(part));
  };
  return fmt::format(".TH {} 1 2026-11-20 kubectl\\-wukong \"User Commands\"\n.nh\n.ad l\n", troff(title)) +
         section("NAME", "name") + section("SYNOPSIS", "synopsis") + ".SH DESCRIPTION\n" +
         filled(troff(sentence(app.get_description()))) + section("ARGUMENTS", "arguments") +
         section("OPTIONS", "options") +
         ".PP\nThe options that every command has, the formats of\n.BR \\-\\-output ,\nthe environment and "
         "the exit codes are in\n"
         ".BR kubectl\\-wukong (1).\n" +
         section("EXAMPLES", "examples") + ".SH SEE ALSO\n.BR kubectl\\-wukong (1),\n.BR kubectl (1)\n";
}

std::string man_page(const std::string& name) {
  return testing::read_file(testing::tests_dir() / ".." / "man" / name);
}

void check_page(const std::string& name, const std::string& page, const Parts& parts) {
  INFO("man/", name,
       " is not what the commands' definitions say: WUKONG_TEST_ACCEPT=1 ctest -R unit.commands rewrites it");
  for (const auto& [part, text] : parts)
    CHECK_MESSAGE(
        (text.empty() || page.find(marked(part).substr(0, marked(part).find('\n') + 1)) != std::string::npos),
        "there is no mark for: ", part);
  const std::string wanted = with_parts(page, parts);
  CHECK(testing::golden("../man/" + name, wanted) == wanted);
}

}  // namespace

TEST_CASE("manual: kubectl-wukong(1) has every command and every option of all commands") {
  const Registry registry;
  check_page(
      "kubectl-wukong.1", man_page("kubectl-wukong.1"),
      {{"commands", list_of_commands(registry.app())}, {"options", options_of(registry.app(), false)}});
}

TEST_CASE("manual: every command has a page with all of its options") {
  const Registry registry;
  for (const CLI::App* app : commands_of(registry.app())) {
    const Parts parts{{"name", name_of(*app)},
                      {"synopsis", synopsis_of(*app)},
                      {"arguments", options_of(*app, true)},
                      {"options", options_of(*app, false)},
                      {"examples", examples_of(*app)}};
    const std::string name = "kubectl-wukong-" + app->get_name() + ".1";
    const std::string page = man_page(name);
    check_page(name, page.empty() ? first_page(*app, parts) : page, parts);
  }
}

}  // namespace wukong::commands
