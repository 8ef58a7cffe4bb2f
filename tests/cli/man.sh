#!/bin/sh
# man.sh PROGRAM PAGES: there is a manual page for every verb and part, which man shows without a warning, and in which
# every option of the help stands.
set -eu
program=$1 pages=$2
command -v man >/dev/null || { echo "no man on this machine"; exit 77; }
check() { # page, words that give the help
    page=$pages/$1.1.gz
    shift
    warnings=$(MANWIDTH=80 man --warnings -l "$page" 2>&1 >/dev/null)
    [ -z "$warnings" ] || { echo "$page: $warnings"; exit 1; }
    text=$(MANWIDTH=200 man -l "$page" | col -b)
    echo "$text" | grep -q "^ *$(basename "$page" .1.gz) - [a-z]" || { echo "$page: no name"; exit 1; }
    echo "$text" | grep -q '^SEE ALSO' || { echo "$page: nothing to see also"; exit 1; }
    for option in $("$program" "$@" | sed -n 's/^  \(-.,\|   \) \(--[a-z0-9-]*\).*/\2/p'); do
        echo "$text" | grep -q -e "^ .*$option\>" || { echo "$page: no $option"; exit 1; }
        n_options=$((n_options + 1))
    done
}
export LC_ALL=C.UTF-8
n_options=0
check fovea help
n=0
for verb in $("$program" help | sed -n 's/^    \([a-z]*\) .*/\1/p'); do
    check "fovea-$verb" help "$verb"
    n=$((n + 1))
done
for part in info preview get; do check "fovea-data-$part" data "$part" --help; done
[ $n_options -ge 50 ] || { echo "cannot read the options"; exit 1; }
[ $n -ge 10 ] && [ "$(ls "$pages" | wc -l)" -eq $((n + 4)) ] || { echo "$n verbs, pages:"; ls "$pages"; exit 1; }
