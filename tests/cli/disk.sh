#!/bin/sh
# disk.sh PROGRAM: a disk that fills up ends a training with status 4 and leaves no half-written file. The disk is a
# small one of its own (tmpfs in a namespace); exits 77 where that is not allowed.
set -u
fovea=$(realpath "$1")
self=$(realpath "$0")
if [ "${2:-}" != inside ]; then
    unshare -rm true 2>/dev/null || {
        echo "unshare -rm is not allowed here"
        exit 77
    }
    here=$(mktemp -d) || exit 1
    unshare -rm sh -c 'mount -t tmpfs -o size=512k tmpfs "$1" 2>/dev/null || exit 77; cd "$1" && sh "$2" "$3" inside' sh \
        "$here" "$self" "$fovea"
    status=$?
    rmdir "$here"
    exit $status
fi

fail() {
    echo "$*"
    exit 1
}

# What fits decides how far it comes: nothing, run.json alone, ... Each file is whole or not there.
"$fovea" train digits --model "dense 64, relu, dense classes" --epochs 1 --quiet --out reference || exit 1
sizes=$(cd reference && stat -c '%n %s' ./*)
rm -r reference
failures=0
for free in 0 4 8 12 16 20 24 28 32 36 40 44 60 80 100 120 140 200; do
    head -c $((512 - free))k /dev/zero >fill 2>/dev/null
    message=$("$fovea" train digits --model "dense 64, relu, dense classes" --epochs 1 --quiet --out run 2>&1)
    status=$?
    if [ $status -ne 0 ]; then
        failures=$((failures + 1))
        [ $status -eq 4 ] || fail "$free KiB: status $status: $message"
        echo "$message" | grep -q '^fovea: run.*No space left on device' || fail "$free KiB: $message"
    fi
    for file in run/*; do
        [ -e "$file" ] || continue
        name=${file#run/}
        case $name in
        model.safetensors | predictions-validation.csv)
            echo "$sizes" | grep -qx "./$name $(stat -c %s "$file")" || fail "$free KiB: $name is cut" ;;
        checkpoint.safetensors) [ $status -eq 4 ] || fail "$free KiB: $name is left behind" ;;
        run.json) tail -n 1 "$file" | grep -qx '}' || fail "$free KiB: run.json is cut" ;;
        metrics.csv) [ "$(wc -l <"$file")" -eq 2 ] || fail "$free KiB: metrics.csv is cut" ;;
        *) fail "$free KiB: $name is left behind" ;;
        esac
    done
    [ $free -gt 0 ] || [ ! -d run ] || fail "a directory without a record is left behind"
    rm -rf run fill
done
[ $failures -ge 4 ] || fail "only $failures failures: the disk did not fill up"
[ $status -eq 0 ] || fail "the last one had room enough: $message"
