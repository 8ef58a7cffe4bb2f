#!/bin/sh
# stdout.sh PROGRAM: standard output that is closed, full, or a pipe whose reader is gone. Every verb ends with status 4
# and says so; what it writes into files is written whole all the same.
set -u
. "$(dirname "$0")/../scratch.sh"

mkfifo pipe
exec 3<>pipe 4>pipe 3>&- # 4: a pipe that nobody reads

# try ARGUMENTS...: into each of the three
try() {
    "$fovea" "$@" >/dev/full 2>messages
    check $? 'No space left on device' "$@"
    "$fovea" "$@" >&4 2>messages
    check $? 'Broken pipe' "$@"
    "$fovea" "$@" >&- 2>messages
    check $? 'Bad file descriptor' "$@"
}
check() { # status, reason, arguments
    status=$1 reason=$2
    shift 2
    [ "$status" -eq 4 ] || fail "$*: $reason: status $status: $(cat messages)"
    grep -q "^fovea: standard output: could not be written: $reason\$" messages || fail "$*: $reason: $(cat messages)"
}

"$fovea" train digits --epochs 1 --model "dense classes" --quiet --out run || exit 1
find run -type f -exec cksum {} + | sort >before
"$fovea" data preview digits --augment "rotation 30" -o sheet.png >/dev/null || exit 1
for verb in data train eval predict compare study report export verify bench version help; do
    try $verb --help
done
try version
try help
try data list
try data info digits
try data info digits --json
try data preview digits --augment "rotation 30" -o sheet.png
try eval run
try eval run --json
try predict run sheet.png --csv
try predict run sheet.png --json
try predict run sheet.png
try compare run run
try verify run
try verify run --json
for format in safetensors onnx npz c; do
    try export run --format $format -o exported.$format
    [ -s exported.$format ] || fail "export: no exported.$format"
done

# Trainings and studies go on: what they are for is in their directory.
hash_of() {
    sed -n 's/.*"weights_sha256": "\([0-9a-f]*\)".*/\1/p' "$1"
}
for sink in '/dev/full' '&4' '&-'; do
    for json in '' --json; do
        eval "\"\$fovea\" train digits --epochs 1 --model 'dense classes' $json --out out >$sink 2>messages"
        status=$?
        [ $status -eq 4 ] && grep -q 'standard output: could not be written' messages ||
            fail "train >$sink: status $status: $(cat messages)"
        [ "$(hash_of out/run.json)" = "$(hash_of run/run.json)" ] || fail "train >$sink: other weights"
        cmp -s out/model.safetensors run/model.safetensors || fail "train >$sink: another model"
        [ "$(ls out)" = "$(ls run | grep -v predictions-test)" ] || fail "train >$sink: $(ls out)"
        rm -r out
    done
    eval "\"\$fovea\" study digits --epochs 1 --seeds 1 --parts architecture,kernels --out out >$sink 2>messages"
    status=$?
    [ $status -eq 4 ] && grep -q 'standard output: could not be written' messages ||
        fail "study >$sink: status $status: $(cat messages)"
    [ "$(ls out | tr '\n' ' ')" = "explain.safetensors final report.html study.json " ] || fail "study >$sink: $(ls out)"
    try report out/final
    rm -r out
done

# No file may take the place of one that is closed: text would be printed into it.
"$fovea" predict run - <pipe >&- 2>&- &
pid=$!
exec 5>pipe
tries=0
until [ "$(readlink /proc/$pid/fd/1)$(readlink /proc/$pid/fd/2)" = /dev/null/dev/null ]; do
    tries=$((tries + 1))
    [ $tries -lt 200 ] || {
        ls -l /proc/$pid/fd
        kill -9 $pid
        fail "descriptors 1 and 2 stay closed"
    }
    sleep 0.05
done
kill -9 $pid
exec 5>&-

find run -type f ! -name 'predictions-test.csv' -exec cksum {} + | sort >after
grep -v predictions-test before | cmp -s - after || fail "files from before were changed: $(diff before after)"
