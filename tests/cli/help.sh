#!/bin/sh
# help.sh PROGRAM SOURCES: every verb that cli.h declares (cli_word) is listed by `fovea help`, and its help fits a screen.
set -eu
program=$1 sources=$2
listed=$("$program" help | sed -n 's/^    \([a-z]*\) .*/\1/p')
n=0
for verb in $(sed -n 's/^int cli_\([a-z]*\)(int argc, const char \*\*argv);.*/\1/p' "$sources/cli.h"); do
    echo "$listed" | grep -qx "$verb" || { echo "$verb: not listed by fovea help"; exit 1; }
    help=$("$program" help "$verb")
    [ "$help" = "$("$program" "$verb" --help)" ] || { echo "fovea help $verb differs from fovea $verb --help"; exit 1; }
    [ "$(echo "$help" | wc -l)" -le 30 ] || { echo "fovea $verb --help: more than 30 lines"; exit 1; }
    wide=$(echo "$help" | grep -E '.{81}' || true)
    [ -z "$wide" ] || { echo "fovea $verb --help: wider than 80 columns:"; echo "$wide"; exit 1; }
    n=$((n + 1))
done
[ "$n" -ge 10 ] && [ "$n" -eq "$(echo "$listed" | wc -l)" ] || { echo "$n verbs are declared, listed are:" $listed; exit 1; }
