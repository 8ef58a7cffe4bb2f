#!/bin/sh
# terminal.sh PROGRAM: on a terminal a bar stands in the place of the next row, never wider than the terminal, and is
# gone at the end; colours only where they are wanted. Needs `script` (util-linux) for a terminal; else exits 77.
set -u
. "$(dirname "$0")/../scratch.sh"
[ "$(script -qec 'echo there' /dev/null </dev/null 2>/dev/null | tr -d '\r')" = there ] ||
    skip "script (util-linux) is not here, or the system gives it no terminal (is /dev/pts mounted?)"
server=
trap '[ -z "$server" ] || kill "$server"; rm -rf "$here"' EXIT
export TERM=xterm LC_ALL=C.UTF-8
unset NO_COLOR

on_terminal() { # columns, command
    script -qec "stty cols $1; $2" /dev/null </dev/null | tr -d '\n' | tr '\r' '\n'
}

for columns in 80 60; do
    # A model large enough for a bar to show.
    on_terminal $columns "$fovea train digits --epochs 2 --threads 1 --out run-$columns \
        --model 'conv 64 5x5 pad 2, relu, conv 64 5x5 pad 2, relu, dense classes'" >seen
    grep -q '━━' seen || fail "no bar: $(cat seen)"
    [ $columns -lt 80 ] || grep -q '━.* s left' seen || fail "no time left: $(cat seen)"
    sed 's/\x1b\[[0-9;]*[mK]//g; s/[━╸]/=/g; s/·/./g' seen |
        awk -v most=$columns '/==/ && length($0) >= most { print "too wide: " $0; bad = 1 } END { exit bad }' || exit 1
    grep -q 'epoch   loss     accuracy   val loss' seen || fail "no head"
    [ "$(grep -c '^[^━]* %[^━]*[0-9]$' seen)" -ge 2 ] || fail "no rows: $(cat seen)"
    tail -n 2 seen | grep -q "^.*done in" || fail "no end: $(tail -n 3 seen)"
done
grep -q "$(printf '\033')\[2m" seen || fail "no colour on a terminal"
on_terminal 80 "NO_COLOR=1 $fovea train digits --epochs 1 --out plain" >seen
! grep -q "$(printf '\033')\[[0-9;]*m" seen || fail "colour in spite of NO_COLOR"
on_terminal 80 "$fovea train digits --epochs 1 --quiet --out quiet" >seen
[ ! -s seen ] || fail "--quiet prints: $(cat seen)"
# A pipe gets whole lines alone.
"$fovea" train digits --epochs 2 --out pipe >seen 2>&1
! grep -q "$(printf '[\033\r]')" seen || fail "control characters in a pipe"
# A download's bar, from a server that takes a second: on a narrow terminal fewer numbers, but whole ones.
mkdir served
head -c 3000000 /dev/zero >served/train-images-idx3-ubyte.gz
"$python" "$tests/../fetch/server.py" "$here/served" >port &
server=$!
until_true [ -s port ]
for columns in 80 40; do
    on_terminal $columns "$fovea data get mnist --mirror http://127.0.0.1:$(cat port)/slow" >seen
    sed 's/\x1b\[[0-9;]*[mK]//g; s/[━╸]/=/g; s/·/./g' seen |
        awk -v most=$columns '/=/ && length($0) >= most { print "too wide: " $0; bad = 1 } END { exit bad }' || exit 1
    if [ $columns = 80 ]; then want='gz ━.* MB of 3.0 MB · .*B/s · [0-9]* s left'; else want='^train-images-... ━.* % · [0-9]* s left'; fi
    grep -q "$want" seen || fail "no bar of $columns columns: $(cat seen)"
    tail -n 1 seen | grep -q '^[^━]*wrong checksum' || fail "no end: $(cat seen)"
done
# Attempts that failed are told, but not with --quiet.
"$fovea" data get kmnist --mirror "http://127.0.0.1:$(cat port)/cut" 2>seen
grep -q 'trying again' seen || fail "no note: $(cat seen)"
"$fovea" data get kmnist --quiet --mirror "http://127.0.0.1:$(cat port)/cutnorange" 2>seen
[ "$(grep -c '^fovea: ' seen)" = 1 ] || fail "--quiet prints: $(cat seen)"
