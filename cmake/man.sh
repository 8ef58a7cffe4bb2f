#!/bin/sh
# man.sh "PROGRAM" VERSION TEXTS FOLDER: writes the manual pages into FOLDER: fovea(1), and one for every verb and its
# parts, by help2man from what the program says of itself, with TEXTS/*.h2m, which it does not say.
set -eu
program=$1 version=$2 texts=$3 folder=$4
mkdir -p "$folder"
page() { # name of the page, its line, what gives the help, more of help2man's words
    name=$1 about=$2 says=$3
    shift 3
    help2man --no-info --no-discard-stderr --locale=C --manual='Fovea' --source="fovea $version" \
        --version-string="$version" --help-option="$says" --name="$about" "$@" "$program" |
        sed "s/^\.TH FOVEA /.TH $(echo "$name" | tr a-z A-Z) /; s/^fovea \\\\- /$name \\\\- /" | gzip -9n >"$folder/$name.1.gz"
}
page fovea 'trains small image classifiers on the CPU and shows what they learned' help --include="$texts/fovea.h2m"
$program help | sed -n 's/^    \([a-z]*\)  *\(.*\)/\1 \2/p' | while read -r verb about; do
    page "fovea-$verb" "$about" "help $verb" --include="$texts/verb.h2m"
done
$program data --help | sed -n 's/^Usage: fovea data //p' | tr '|' '\n' | while read -r part _; do
    [ "$part" != list ] || continue
    about=$($program data "$part" --help | sed -n 1p | sed 's/[.:,(].*//; s/^./\L&/') # its first clause
    page "fovea-data-$part" "$about" "data $part --help" --include="$texts/verb.h2m"
done
