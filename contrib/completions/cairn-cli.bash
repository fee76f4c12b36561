# Completion of cairn-cli for bash: options, and the methods that the running node offers.
_cairn_cli() {
    local current=${COMP_WORDS[COMP_CWORD]} program=${COMP_WORDS[0]} word
    local options=()
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        [[ $word == -* ]] && options+=("$word")
    done
    if [[ $current == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$("$program" -help 2>/dev/null | sed -n 's/^  \(-[a-z0-9]*=\{0,1\}\).*/\1/p')" -- "$current")
        [[ ${COMPREPLY[0]:-} == *= ]] && compopt -o nospace
        return
    fi
    mapfile -t COMPREPLY < <(compgen -W "$("$program" "${options[@]}" help 2>/dev/null | sed -n 's/^\([a-z][a-z0-9]*\).*/\1/p')" -- "$current")
}
complete -F _cairn_cli cairn-cli
