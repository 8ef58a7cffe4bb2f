#!/bin/sh
# signals.sh PROGRAM: Ctrl-C and SIGTERM end a training with what is finished kept, and say how to go on.
set -u
fovea=$(realpath "$1")
here=$(mktemp -d) || exit 1
trap 'rm -rf "$here"' EXIT
cd "$here" || exit 1

fail() {
    echo "$*"
    exit 1
}

# interrupt SIGNAL STATUS: after two rows
interrupt() {
    : >rows
    "$fovea" train digits --epochs 100000 --out "$1" >rows 2>messages &
    pid=$!
    tries=0
    while [ "$(grep -c '%' rows)" -lt 2 ]; do
        tries=$((tries + 1))
        [ $tries -lt 600 ] || fail "no rows came"
        sleep 0.1
    done
    kill -"$1" $pid
    wait $pid
    status=$?
    [ $status -eq "$2" ] || fail "$1: status $status, not $2"
    grep -q "interrupted after [0-9]* of 100000 epochs.*fovea train --resume $1" messages || fail "$(cat messages)"
    grep -q '"status": "interrupted"' "$1/run.json" || fail "run.json does not say so"
    [ "$(ls "$1" | tr '\n' ' ')" = "checkpoint.safetensors metrics.csv model.safetensors predictions-validation.csv run.json " ] || fail "$(ls "$1")"
    done=$(sed -n 's/.*"epochs_done": \([0-9]*\).*/\1/p' "$1/run.json")
    [ "$done" -ge 2 ] && [ $(($(wc -l <"$1/metrics.csv") - 1)) -eq "$done" ] || fail "$done epochs, $(cat "$1/metrics.csv")"
    "$fovea" eval "$1" >/dev/null || fail "its model cannot be evaluated"
}
interrupt INT 130
interrupt TERM 143

# A study keeps the trainings that are finished.
: >messages
"$fovea" study digits --epochs 60 --seeds 20 --threads 1 --out study >rows 2>messages &
pid=$!
tries=0
while [ "$(grep -c ' of ' messages)" -lt 1 ]; do
    tries=$((tries + 1))
    [ $tries -lt 600 ] || fail "no training of the study ended"
    sleep 0.1
done
kill -INT $pid
wait $pid
status=$?
[ $status -eq 130 ] || fail "study: status $status"
tail -n 1 messages | grep -q '^fovea: study: interrupted' || fail "$(cat messages)"
grep -q '"interrupted": *true' study/study.json || fail "study.json does not say so"
[ ! -s rows ] || fail "$(cat rows)"

# Interrupted in a verification: nothing is printed as done.
"$fovea" train digits --epochs 2000 --model "dense classes" --threads 1 --quiet --out whole 2>messages &
pid=$!
wait $pid || fail "$(cat messages)"
"$fovea" verify whole --threads 1 >rows 2>messages &
pid=$!
sleep 0.2
kill -INT $pid
wait $pid
status=$?
[ $status -eq 130 ] || fail "verify: status $status: $(cat rows messages)"
[ ! -s rows ] || fail "$(cat rows)"
