#include <fmt/format.h>

#include "base/text.h"
#include "commands/completion.h"

namespace wukong::commands {

namespace {

// The first lines of an answer are candidates, the last is a number behind a colon.
constexpr const char* kBash =
    R"(# bash completion for kubectl-wukong: source <(kubectl-wukong completion bash)
_kubectl_wukong() {
    local line typed last lead=
    local -a words
    # The words as typed: bash splits its own behind "=" and ":" and before "@", and wants the last part.
    typed=${COMP_LINE:0:COMP_POINT}
    read -r -a words <<<"$typed"
    case $typed in *[[:space:]]) words+=('') ;; esac
    last=${words[${#words[@]} - 1]}
    lead=${last%"${last##*[=:@]}"}
    lead=${lead%@}
    COMPREPLY=()
    while IFS= read -r line; do
        case $line in
        :6) compopt +o default -o nospace ;;
        :4) compopt +o default ;;
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
    local -a candidates end
    local line files
    while IFS= read -r line; do
        case $line in
        :6) end=(-S '') ;;
        :0) files=1 ;;
        :*) ;;
        *) candidates+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}") ;;
        esac
    done < <(kubectl-wukong __complete "${(@)words[2,CURRENT]}" 2>/dev/null)
    if (( ${#candidates} )); then _describe 'kubectl-wukong' candidates "${end[@]}"; fi
    if [[ -n $files ]]; then _files; fi
}
if [ "$funcstack[1]" = "_kubectl-wukong" ]; then _kubectl-wukong "$@"; else compdef _kubectl-wukong kubectl-wukong; fi
)";

constexpr const char* kFish = R"(# fish completion for kubectl-wukong: kubectl-wukong completion fish | source
function __kubectl_wukong_complete
    set -l words (commandline -opc) (commandline -ct)
    set -l lines (kubectl-wukong __complete $words[2..-1] 2>/dev/null)
    string match -v -r '^:' -- $lines
    string match -q ':0' -- $lines; and __fish_complete_path (commandline -ct)
end
complete -c kubectl-wukong -f -a '(__kubectl_wukong_complete)'
)";

constexpr const char* kPowershell =
    R"(# PowerShell completion: kubectl-wukong completion powershell | Out-String | Invoke-Expression
Register-ArgumentCompleter -Native -CommandName 'kubectl-wukong' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    # The words up to the cursor, without quotes; behind a space the last one is empty.
    $words = @()
    $begun = $false
    foreach ($element in @($commandAst.CommandElements | Select-Object -Skip 1)) {
        $length = $cursorPosition - $element.Extent.StartOffset
        if ($length -le 0) { break }
        $text = $element.Extent.Text
        $begun = $length -le $text.Length
        if ($begun) { $text = $text.Substring(0, $length) }
        $words += $text.Trim([char[]]'''"')
    }
    if (-not $begun) {
        # Before 7.3 PowerShell drops an argument that is empty, unless it is given its quotes.
        $passing = Get-Variable -Name PSNativeCommandArgumentPassing -ValueOnly -ErrorAction Ignore
        $words += if (-not $passing -or "$passing" -eq 'Legacy') { '""' } else { '' }
    }
    $lines = @(& kubectl-wukong __complete @words 2>$null)
    $candidates = @($lines | Where-Object { $_ -notmatch '^:' } | ForEach-Object {
        $name, $help = $_ -split "`t", 2
        if (-not $help) { $help = $name }
        $text = $name
        if ($name -notmatch '^[\w./:=+-][\w./:=+@-]*$') { $text = "'" + $name.Replace("'", "''") + "'" }
        [System.Management.Automation.CompletionResult]::new($text, $name, 'ParameterValue', $help)
    })
    $candidates
    # Without a word of ours PowerShell offers files, which are meant with :0 only; an empty one keeps it from that.
    if ($candidates.Count -eq 0 -and $lines -notcontains ':0') { '' }
}
)";

}  // namespace

Result<std::string> completion_script(const std::string& shell) {
  if (shell == "bash") return std::string(kBash);
  if (shell == "zsh") return std::string(kZsh);
  if (shell == "fish") return std::string(kFish);
  if (shell == "powershell") return std::string(kPowershell);
  return usage(fmt::format("there is no completion for {:?}", printable(shell)),
               "use one of: bash, zsh, fish, powershell");
}

}  // namespace wukong::commands
