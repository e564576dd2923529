#include "commands/completion.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "base/text.h"
#include "commands/arguments.h"
#include "commands/registry.h"

namespace wukong::commands {

namespace {

// The first lines of an answer are candidates, the last is a number behind a colon.
constexpr const char* kBash =
    R"(# bash completion for kubectl-wukong: source <(kubectl-wukong completion bash)
_kubectl_wukong() {
    local line typed last lead=
    local -a words
    # The words as typed: bash splits its own at "=".
    typed=${COMP_LINE:0:COMP_POINT}
    read -r -a words <<<"$typed"
    case $typed in *[[:space:]]) words+=('') ;; esac
    last=${words[${#words[@]} - 1]}
    case $last in *=*) lead=${last%%=*}= ;; esac
    COMPREPLY=()
    while IFS= read -r line; do
        case $line in
        :*) ;;
        *) line=${line%%$'\t'*} && COMPREPLY+=("${line#"$lead"}") ;;
        esac
    done < <(kubectl-wukong __complete "${words[@]:1}" 2>/dev/null)
}
complete -o default -F _kubectl_wukong kubectl-wukong
)";

constexpr const char* kZsh = R"(#compdef kubectl-wukong
# zsh completion for kubectl-wukong: source <(kubectl-wukong completion zsh), or a file _kubectl-wukong in $fpath
_kubectl-wukong() {
    local -a candidates
    local line
    while IFS= read -r line; do
        case $line in
        :*) ;;
        *) candidates+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}") ;;
        esac
    done < <(kubectl-wukong __complete "${(@)words[2,CURRENT]}" 2>/dev/null)
    if (( ${#candidates} )); then _describe 'kubectl-wukong' candidates; else _files; fi
}
if [ "$funcstack[1]" = "_kubectl-wukong" ]; then _kubectl-wukong "$@"; else compdef _kubectl-wukong kubectl-wukong; fi
)";

constexpr const char* kFish = R"(# fish completion for kubectl-wukong: kubectl-wukong completion fish | source
function __kubectl_wukong_complete
    set -l words (commandline -opc) (commandline -ct)
    kubectl-wukong __complete $words[2..-1] 2>/dev/null | string match -v -r '^:'
end
complete -c kubectl-wukong -f -a '(__kubectl_wukong_complete)'
)";

constexpr const char* kPowershell =
    R"(# PowerShell completion: kubectl-wukong completion powershell | Out-String | Invoke-Expression
Register-ArgumentCompleter -Native -CommandName 'kubectl-wukong' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $words = @($commandAst.CommandElements | Select-Object -Skip 1 | ForEach-Object { "$_" })
    if ($wordToComplete -eq '') { $words += '' }
    & kubectl-wukong __complete @words 2>$null | Where-Object { $_ -notmatch '^:' } | ForEach-Object {
        $name, $help = $_ -split "`t", 2
        if (-not $help) { $help = $name }
        [System.Management.Automation.CompletionResult]::new($name, $name, 'ParameterValue', $help)
    }
}
)";

struct Candidates {
  std::string prefix{};  // what the user has typed of the word
  std::string lead{};    // stands before each candidate: "--output=" while a value is typed behind "="
  std::string lines{};

  void add(const std::string& word, const std::string& help) {
    if (word.starts_with(prefix)) lines += fmt::format("{}{}\t{}\n", lead, word, help);
  }
};

/// The option called `name` (without dashes) of the command or of all commands.
const CLI::Option* option_called(const CLI::App& root, const CLI::App& command, const std::string& name) {
  for (const CLI::App* app : {&command, &root})
    for (const CLI::Option* option : app->get_options())
      if (!option->get_positional() && option->check_name((name.size() == 1 ? "-" : "--") + name))
        return option;
  return nullptr;
}

void add_values(const CLI::Option& option, Candidates& out) {
  const std::vector<std::string> words = split(option.get_type_name(), '|');
  if (words.size() < 2) return;
  for (const std::string& word : words) out.add(word, "");
}

void add_flags(const CLI::App& app, Candidates& out) {
  for (const CLI::Option* option : app.get_options())
    if (!option->get_positional() && !option->get_lnames().empty() && !option->get_group().empty())
      out.add("--" + option->get_lnames().front(), option->get_description());
}

const CLI::App* command_called(const CLI::App& app, const std::string& name) {
  for (const CLI::App* sub : app.get_subcommands({}))
    if (sub->get_name() == name) return sub;
  return nullptr;
}

/// What the words before the last one say: which command, and which option waits for a value.
struct Place {
  const CLI::App* command{};
  const CLI::Option* waiting{};
  bool nouns_only{};  // behind "--"
  std::size_t nouns{};
};

Place place_of(const CLI::App& root, const std::vector<std::string>& words) {
  Place place{.command = &root};
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    const std::string& word = words[i];
    if (place.waiting != nullptr) {
      place.waiting = nullptr;
    } else if (place.nouns_only || word.empty() || word[0] != '-') {
      const CLI::App* sub = place.nouns == 0 ? command_called(*place.command, word) : nullptr;
      if (sub != nullptr)
        place.command = sub;
      else
        ++place.nouns;
    } else if (word == "--") {
      place.nouns_only = true;
    } else if (word.find('=') == std::string::npos) {
      const std::string name = word.starts_with("--") ? word.substr(2) : word.substr(word.size() - 1);
      const CLI::Option* option = option_called(root, *place.command, name);
      if (option != nullptr && option->get_items_expected_min() > 0) place.waiting = option;
    }
  }
  return place;
}

Result<void> run_complete(const std::vector<std::string>& words, const CLI::App& root, Context& cx) {
  cx.print(complete(root, words));
  return {};
}

}  // namespace

std::string complete(const CLI::App& root, const std::vector<std::string>& words) {
  const std::string last = words.empty() ? "" : words.back();
  const Place place = place_of(root, words);
  Candidates out{.prefix = last};
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
  } else if (place.nouns == 0) {
    for (const CLI::App* sub : place.command->get_subcommands({}))
      if (!sub->get_group().empty()) out.add(sub->get_name(), sub->get_description());
    if (place.command->get_name() == "completion")
      for (const char* shell : {"bash", "fish", "powershell", "zsh"}) out.add(shell, "");
  }
  const bool files = place.waiting != nullptr && place.waiting->get_type_name() == "FILE";
  return out.lines + (files ? ":0\n" : ":4\n");
}

Result<std::string> completion_script(const std::string& shell) {
  if (shell == "bash") return std::string(kBash);
  if (shell == "zsh") return std::string(kZsh);
  if (shell == "fish") return std::string(kFish);
  if (shell == "powershell") return std::string(kPowershell);
  return Error{.code = Code::usage,
               .message = fmt::format("there is no completion for {:?}", printable(shell)),
               .hint = "use one of: bash, zsh, fish, powershell"};
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
    chosen = [words = hidden->remaining(), &root](Context& cx) { return run_complete(words, root, cx); };
  });
}

}  // namespace wukong::commands
