# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Completion for hapax(1). Commands and options are asked from the program itself, so this file does not age.

_hapax_words() {
    # "  -q, --quiet  text" and "  --state DB  text" give --quiet and --state, "  --explain[=FORMAT]" gives both forms
    hapax "$@" --help 2>/dev/null | sed -nE 's/^ +(-[a-zA-Z], +)?(--[a-z-]+)(\[=)?.*/\2\3/p' | sed -E 's/^(.*)\[=$/\1\n\1=/'
}

_hapax() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]}
    COMPREPLY=()
    if [ "$COMP_CWORD" -eq 1 ]; then
        mapfile -t COMPREPLY < <(compgen -W \
            "$(hapax --help 2>/dev/null | sed -nE '/^Commands:/,/^$/s/^  ([a-z]+) .*/\1/p') --help --version" -- "$current")
        return
    fi
    # bash takes "--explain=js" for three words
    if [[ $current = "=" && $previous = --explain || $previous = "=" && ${COMP_WORDS[COMP_CWORD - 2]} = --explain ]]; then
        mapfile -t COMPREPLY < <(compgen -W "text json" -- "${current#=}")
        return
    fi
    case $previous in
        --format | -f)
            mapfile -t COMPREPLY < <(compgen -W "auto audit syslog json journal-export" -- "$current")
            return
            ;;
        --protocol | -p)
            mapfile -t COMPREPLY < <(compgen -W "$([ "$command" = filter ] && echo lines mmexternal || echo lines omprog)" -- "$current")
            return
            ;;
        --detector | -d)
            mapfile -t COMPREPLY < <(compgen -W "rare novelty" -- "$current")
            return
            ;;
        --job | -j)
            mapfile -t COMPREPLY < <(compgen -W "$(hapax jobs 2>/dev/null | awk '/^[a-z_]+ /{print $1}')" -- "$current")
            return
            ;;
        --events)
            mapfile -t COMPREPLY < <(compgen -W "process session account all" -- "$current")
            return
            ;;
        --effect)
            mapfile -t COMPREPLY < <(compgen -W "suppress skip digest" -- "$current")
            return
            ;;
        --time-zone)
            mapfile -t COMPREPLY < <(cd /usr/share/zoneinfo 2>/dev/null && compgen -f -- "$current")
            return
            ;;
    esac
    case $current in
        -*)
            mapfile -t COMPREPLY < <(compgen -W "$(_hapax_words "$command")" -- "$current")
            ;;
        *)
            if [ "$command" = exceptions ] && [ "$COMP_CWORD" -eq 2 ]; then
                mapfile -t COMPREPLY < <(compgen -W "list add test expire" -- "$current")
            elif [ "$command" = exceptions ] && [[ $previous = expire || $previous = test ]]; then
                mapfile -t COMPREPLY < <(compgen -f -W "$(hapax exceptions 2>/dev/null | awk 'NR > 1 {print $1}')" -- "$current")
            elif [ "$command" = jobs ]; then
                mapfile -t COMPREPLY < <(compgen -W "$(hapax jobs 2>/dev/null | awk '/^[a-z_]+ /{print $1}')" -- "$current")
            elif [ "$command" = store ] && [ "$COMP_CWORD" -eq 2 ]; then
                mapfile -t COMPREPLY < <(compgen -W "check export compact" -- "$current")
            else
                mapfile -t COMPREPLY < <(compgen -f -- "$current")
            fi
            ;;
    esac
}

complete -o filenames -F _hapax hapax
