# fish completion for kubectl-wukong: kubectl-wukong completion fish | source
function __kubectl_wukong_complete
    set -l words (commandline -opc) (commandline -ct)
    set -l lines (kubectl-wukong __complete $words[2..-1] 2>/dev/null)
    string match -v -r '^:' -- $lines
    string match -q ':0' -- $lines; and __fish_complete_path (commandline -ct)
end
complete -c kubectl-wukong -f -a '(__kubectl_wukong_complete)'
