# bash completion for kubectl-wukong: source <(kubectl-wukong completion bash)
_kubectl_wukong() {
    local line
    COMPREPLY=()
    while IFS= read -r line; do
        case $line in
        :*) ;;
        *) COMPREPLY+=("${line%%$'\t'*}") ;;
        esac
    done < <(kubectl-wukong __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _kubectl_wukong kubectl-wukong
