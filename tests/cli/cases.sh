#!/bin/sh
# cases.sh PROGRAM FILE: runs the commands of a case file and compares what they print with what stands under them.
#
#     # why
#     $ fovea train digits --epochs x
#     ! fovea: --epochs: ...           standard error
#       digits ...                     standard output, two blanks in front
#     [2]                              the exit status, where it is not 0
#
# All commands of a file run, one by one, in one fresh directory, with `fovea` on the path. Times, rates, hashes and
# what depends on the machine are masked. REFRESH=1 rewrites the file with what was printed.
set -u
file=$(realpath "$2") || exit 1
. "$(dirname "$0")/../scratch.sh"
mkdir bin work home
ln -s "$fovea" bin/fovea
export PATH="$here/bin:$PATH" HOME="$here/home" TESTS="$tests" LC_ALL=C
unset FOVEA_DATA FOVEA_ISA XDG_CACHE_HOME NO_COLOR

mask() {
    sed -E \
        -e 's/done in ([0-9.]+ min )?[0-9.]+ s/done in TIME/' \
        -e 's/"time_s": [0-9.]+/"time_s": TIME/' \
        -e 's/, [0-9.]+ s$/, TIME/' \
        -e 's/^( *[0-9]+ of [0-9]+   .*[^ ]) +([0-9.]+ min )?[0-9.]+ s(   [0-9 ]+ images.s)?$/\1 TIME/' \
        -e 's/^( +[0-9]+   [0-9.]+ .* %) +[0-9][0-9 ]*$/\1 RATE/' \
        -e 's/(generic|avx2|avx512|neon)(, [0-9]+ threads?|$)/ENGINE/' \
        -e 's/[0-9a-f]{64}/HASH/g' \
        -e 's/weights [0-9a-f]{8} /weights HASH /' \
        -e 's/(gcc|clang) [0-9][^,]*/COMPILER/' \
        -e 's/^(machine     ) .*/\1 MACHINE/' \
        -e "s#$here/home#~#g"
}

ran=0
while IFS= read -r line || [ -n "$line" ]; do
    case $line in
    '#'*) printf '%s\n' "$line" ;;
    '$ '*)
        printf '%s\n' "$line"
        (cd work && timeout 120 sh -c "${line#??}" >../out 2>../err </dev/null)
        status=$?
        mask <out | sed -e 's/^/  /' -e 's/ *$//'
        mask <err | sed -e 's/^/! /'
        [ $status -eq 0 ] || printf '[%d]\n' $status
        printf '\n'
        ran=$((ran + 1))
        ;;
    esac
    echo $ran >ran
done <"$file" >actual

[ "$(cat ran)" -gt 0 ] || fail "$file holds no command"
if [ "${REFRESH:-0}" = 1 ]; then
    cp actual "$file"
elif ! diff -u "$file" actual; then
    fail "REFRESH=1 $0 $1 $2 takes what was printed"
fi
