# Completion for bash. The program itself knows what may stand at the cursor: fovea help --complete WORD...
_fovea() {
    local line=${COMP_LINE:0:COMP_POINT} words candidate
    read -ra words <<<"$line"
    [[ $line == *[[:space:]] ]] && words+=("")
    local typed=${words[-1]}
    [[ $typed == --*=* ]] && typed=${typed#*=} # bash takes what stands behind = for a word
    COMPREPLY=()
    while IFS=$'\t' read -r candidate _; do
        case $candidate in
        :files) compopt -o filenames && mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -f -- "$typed") ;;
        :directories) compopt -o filenames && mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -d -- "$typed") ;;
        *) COMPREPLY+=("${candidate#--*=}") ;;
        esac
    done < <("$1" help --complete "${words[@]:1}" 2>/dev/null)
}
complete -F _fovea fovea
