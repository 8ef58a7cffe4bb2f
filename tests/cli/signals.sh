#!/bin/sh
# signals.sh PROGRAM: Ctrl-C and SIGTERM end a training with what is finished kept, and say how to go on.
set -u
. "$(dirname "$0")/../scratch.sh"

# The shell starts its background jobs with SIGINT ignored: the program itself runs, and SIGINT and SIGTERM are caught.
catches() {
    [ "$(readlink /proc/"$1"/exe)" = "$fovea" ] || return 1
    case $(sed -n 's/^SigCgt:[[:space:]]*//p' /proc/"$1"/status) in
    *[4567cdef]??[2367abef]) ;; # bits 14 and 1
    *) return 1 ;;
    esac
}
ended() { # a zombie too
    case $(sed -n 's/^State:[[:space:]]*//p' /proc/"$1"/status 2>/dev/null) in
    '' | Z* | X*) ;;
    *) return 1 ;;
    esac
}
ticks() { # of processor time in its own code, 100 a second
    cut -d ' ' -f 14 /proc/"$1"/stat 2>/dev/null || echo 0
}
worked() { # process, ticks
    [ "$(ticks "$1")" -ge "$2" ]
}
now_ms() {
    echo $(($(date +%s%N) / 1000000))
}

# interrupt SIGNAL STATUS: after two rows
interrupt() {
    : >rows
    "$fovea" train digits --epochs 100000 --out "$1" >rows 2>messages &
    pid=$!
    until_true eval '[ "$(grep -c % rows)" -ge 2 ]'
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
until_true grep -q ' of ' messages
kill -INT $pid
wait $pid
status=$?
[ $status -eq 130 ] || fail "study: status $status"
tail -n 1 messages | grep -q '^fovea: study: interrupted' || fail "$(cat messages)"
grep -q '"interrupted": *true' study/study.json || fail "study.json does not say so"
[ "$(ls study/trainings | wc -l)" -lt 100 ] || fail "study: went on after Ctrl-C" # of more than two hundred
[ ! -s rows ] || fail "$(cat rows)"

# Interrupted in a verification: nothing is printed as done.
model="conv 64 5x5 pad 2, conv 64 5x5 pad 2, dense classes"
"$fovea" train digits --epochs 4 --model "$model" --threads 1 --quiet --out whole 2>messages || fail "$(cat messages)"
"$fovea" verify whole --threads 1 >rows 2>messages &
pid=$!
until_true catches $pid
kill -INT $pid
wait $pid
status=$?
[ $status -eq 130 ] || fail "verify: status $status: $(cat rows messages)"
[ ! -s rows ] || fail "$(cat rows)"

# A second Ctrl-C does not wait for the step, here one of many seconds; what it leaves goes on from its record. The same
# signal told twice in a moment, as timeout(1) does, is one: two within 200 ms. A machine that was too busy for that is
# asked again.
big="conv 256 5x5 pad 2, conv 256 5x5 pad 2, conv 256 5x5 pad 2, dense classes"
told_twice() { # into a step that has just begun; false where it took too long to tell
    rm -rf twice
    "$fovea" train digits --batch 1527 --model "$big" --threads 1 --quiet --out twice 2>messages &
    pid=$!
    until_true [ -s twice/run.json ]
    until_true worked $pid $(($(ticks $pid) + 100))
    first=$(now_ms)
    kill -INT $pid
    sleep 0.03
    kill -INT $pid
    took=$(($(now_ms) - first))
    sleep 0.3 # it may take its time to end
    ! ended $pid || {
        [ $took -ge 120 ] || fail "a signal told twice is taken for two"
        wait $pid
        return 1
    }
}
attempts=0
until told_twice; do
    attempts=$((attempts + 1))
    [ $attempts -lt 20 ] || fail "two signals within 200 ms could not be sent"
done
kill -INT $pid
wait $pid
status=$?
[ $status -eq 130 ] || fail "twice: status $status"
grep -q '"status": "running"' twice/run.json || fail "a second Ctrl-C waits for the end of the step"
[ "$(ls twice)" = run.json ] || fail "twice: $(ls twice)"

# At any moment of a study, its embedding and page too. One that ends before its record is there has nothing to resume.
go_on() {
    if [ -e moments/resume.json ] || [ -e moments/report.html ]; then
        exec "$fovea" study --resume moments --quiet 2>messages
    fi
    exec "$fovea" study digits --epochs 2 --seeds 1 --quiet --out moments 2>messages
}
go_on &
pid=$!
for at in 1 2 3 4; do
    sleep 0.$((at * 2))
    kill -INT $pid 2>/dev/null
    sleep 0.25
    kill -INT $pid 2>/dev/null
    wait $pid
    status=$?
    [ $status -eq 130 ] || [ $status -eq 0 ] || fail "study: status $status: $(cat messages)"
    go_on &
    pid=$!
done
wait $pid || fail "study: $(cat messages)"
[ -s moments/report.html ] || fail "study: $(ls moments)"

# What has nothing to save ends at once.
mkfifo waits
for ends in INT:130 TERM:143; do
    "$fovea" predict whole - <waits >rows 2>messages &
    pid=$!
    exec 3>waits
    until_true catches $pid
    sleep 0.2 # it is reading by now; earlier, it must end as well
    kill -${ends%:*} $pid
    until_true ended $pid
    wait $pid
    status=$?
    exec 3>&-
    [ $status -eq ${ends#*:} ] || fail "predict: status $status: $(cat messages)"
    grep -qx 'fovea: interrupted\|fovea: terminated' messages || fail "predict says nothing: $(cat messages)"
done

# The audit of many images, in its first tenths of a second (their checksum) and later. The file is all holes.
mkdir many
printf '\0\0\10\3\0\10\0\0\0\0\0\34\0\0\0\34' >many/train-images-idx3-ubyte # 2^19 of 28x28
printf '\0\0\10\1\0\10\0\0' >many/train-labels-idx1-ubyte
truncate -s $((16 + 784 * 524288)) many/train-images-idx3-ubyte
truncate -s $((7 + 524288)) many/train-labels-idx1-ubyte
printf '\1' >>many/train-labels-idx1-ubyte # of a second class
printf 'a\nb\n' >many/classes.txt
for ends in INT:130:interrupted:10 TERM:143:terminated:20 INT:130:interrupted:230 TERM:143:terminated:250; do
    IFS=: read -r name expected word least <<END
$ends
END
    "$fovea" data info ./many >rows 2>messages &
    pid=$!
    until_true catches $pid
    until_true worked $pid "$least"
    first=$(now_ms)
    kill -"$name" $pid
    wait $pid
    status=$?
    took=$(($(now_ms) - first))
    [ $status -eq "$expected" ] && [ "$(cat messages)" = "fovea: $word" ] || fail "data info: $status: $(cat messages)"
    [ ! -s rows ] || fail "data info: it had ended"
    [ $took -lt 3000 ] || fail "data info took $took ms to end"
done

# A server that takes the call and never answers.
/usr/bin/python3 -c '
import socket, sys, time
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(); print(s.getsockname()[1], flush=True)
c = s.accept(); print("called", file=open("called", "w"), flush=True); time.sleep(60)' >port &
server=$!
until_true [ -s port ]
unset FOVEA_DATA
mkdir cache
"$fovea" data get kmnist --mirror "http://127.0.0.1:$(cat port)" >rows 2>messages &
pid=$!
until_true [ -s called ]
kill -INT $pid
wait $pid
status=$?
kill $server
[ $status -eq 130 ] && grep -q '^fovea: ' messages || fail "data get: status $status: $(cat messages)"
