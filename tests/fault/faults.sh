#!/bin/sh
# faults.sh PROGRAM MOST: the n-th call of memory, disk or threads fails (faults.c), for every n of a short training and
# of a short study, or for MOST of them, evenly spread. The program must end with the right result, or with the right
# status and a message; what was there before must be untouched, and nothing half-written may be left.
set -u
fovea=$(realpath "$1")
most=$2
here=$(mktemp -d) || exit 1
trap 'rm -rf "$here"' EXIT
cd "$here" || exit 1
unset FOVEA_FAULT
failures=0 tried=0

fail() {
    echo "$what, $FOVEA_FAULT: $*"
    failures=$((failures + 1))
}

# A small set, so that a training takes milliseconds.
i=0
while [ $i -lt 60 ]; do
    echo "$((i % 3))$(seq -s, 0 15 | sed "s,\([0-9]*\),\1,g" | awk -F, -v i=$i "{ for (j = 1; j <= 16; j++) printf \",%d\", (i * 7 + j * 31 + i % 3 * 80) % 256 }")"
    i=$((i + 1))
done >set.csv

"$fovea" train ./set.csv --model "dense classes" --epochs 1 --threads 1 --quiet --out before || exit 1
find before -type f -exec cksum {} + | sort >sums

weights() { # of the run's record
    sed -n 's/.*"weights_sha256": "\([0-9a-f]*\)".*/\1/p' "$1" 2>/dev/null
}
reference=$(weights before/run.json)
[ -n "$reference" ] || exit 1

train() {
    "$fovea" train ./set.csv --model "dense classes" --epochs 1 --threads 2 --quiet --out out
}
study() {
    "$fovea" study ./set.csv --epochs 1 --seeds 1 --threads 2 --quiet --out out
}
evaluate() {
    "$fovea" eval before
}
report() {
    "$fovea" report before --quiet
}

# Ends in `status` and the files `message` and `rows`.
try() { # what, fault
    what=$1
    export FOVEA_FAULT="$2"
    rm -rf out
    "$what" >rows 2>message
    status=$?
    tried=$((tried + 1))
    case ${FOVEA_FAULT%%:*} in
    disk) allowed='4' ;;
    *) allowed='1' ;;
    esac
    if [ $status -eq 0 ]; then
        case $what in
        train) [ "$(weights out/run.json)" = "$reference" ] || fail "done, but of other weights" ;;
        study) [ -s out/report.html ] && [ -s out/study.json ] && [ -s out/final/model.safetensors ] ||
            fail "done, but files are missing: $(ls out)" ;;
        esac
    else
        case " $allowed " in *" $status "*) ;; *) fail "status $status: $(head -n 30 message)" ;; esac
        grep -q '^fovea: ' message || fail "no message: $(cat message)"
    fi
    ! grep -q 'Sanitizer\|runtime error' message || fail "$(head -n 40 message)"
    left=$(find . -name '*.part*')
    [ -z "$left" ] || fail "left behind: $left"
    find out -name '*.json' -size +0 2>/dev/null | while read -r file; do
        tail -c 2 "$file" | grep -q '}' || echo "$file"
    done >cut
    [ ! -s cut ] || fail "cut short: $(cat cut)"
    unset FOVEA_FAULT
    find before -type f ! -name 'predictions-test.csv' ! -name report.html ! -name study.json \
        ! -name explain.safetensors -exec cksum {} + | sort | cmp -s - sums || fail "files from before were changed"
}

# How many calls there are; then each, or MOST of them.
sweep() { # what, kind
    rm -rf out
    n=$(FOVEA_FAULT=$2:0 "$1" 9>&1 >rows 2>message)
    [ "${n:-0}" -ge 1 ] || {
        echo "$1: no calls of $2: $(cat message)"
        exit 1
    }
    step=$((n / most + 1))
    at=$step
    [ "$step" -gt 1 ] || at=1
    begin=$tried
    while [ $at -le "$n" ]; do
        try "$1" "$2:$at"
        at=$((at + step))
    done
    try "$1" "$2:$((n / 2 + 1))+"
    echo "$1: $n calls of $2, $((tried - begin)) made to fail"
}

for work in train study evaluate report; do
    sweep $work memory
    sweep $work disk
done
sweep train thread
sweep study thread
echo "$tried runs, $failures failures"
[ $failures -eq 0 ]
