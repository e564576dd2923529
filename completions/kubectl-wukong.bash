# bash completion for kubectl-wukong: source <(kubectl-wukong completion bash)
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
