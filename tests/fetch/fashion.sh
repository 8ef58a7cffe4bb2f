#!/bin/sh
# fashion.sh PROGRAM: `fovea data get` of a real set, Debian's Fashion-MNIST, from loopback and from a folder.
set -eu
. "$(dirname "$0")/../scratch.sh"
files=/usr/share/datasets/fashion-mnist
[ -e "$files/train-images-idx3-ubyte.gz" ] ||
    skip 'no Fashion-MNIST here (apt-get install dataset-fashion-mnist)'
server=
trap '[ -z "$server" ] || kill "$server"; rm -rf "$here"' EXIT
mkdir served cache folder
ln -s "$files"/*.gz served
ln -s "$files"/*.gz folder
"$python" "$tests/server.py" "$here/served" >port &
server=$!
until_true [ -s port ]
unset FOVEA_DATA

"$fovea" data get fashion-mnist --mirror "http://127.0.0.1:$(cat port)/redirect" >out 2>err || fail "$(cat err)"
[ "$(cat out)" = "fashion-mnist  $here/cache/fovea/fashion-mnist" ] || fail "$(cat out)"
[ "$(grep -c 'SHA-256 of the content right' err)" = 4 ] || fail "$(cat err)"
cmp "$files/t10k-images-idx3-ubyte.gz" cache/fovea/fashion-mnist/t10k-images-idx3-ubyte.gz
"$fovea" data list | grep -q "^fashion-mnist *$here/cache" || fail 'data list does not find it'

# Nothing is asked for a second time, and --quiet says nothing.
rm served/requests
"$fovea" data get fashion-mnist --quiet --mirror "http://127.0.0.1:$(cat port)/ok" >out 2>&1
[ ! -s out ] || fail "$(cat out)"
[ ! -e served/requests ] || fail 'it was asked for again'

# Without a network: from a folder.
rm -r cache/fovea
"$fovea" data get fashion-mnist --mirror "file://$here/folder" >out 2>err || fail "$(cat err)"
cmp "$files/train-images-idx3-ubyte.gz" cache/fovea/fashion-mnist/train-images-idx3-ubyte.gz

# Another set's files have the wrong checksums, and leave nothing behind but what can be gone on with.
status=0
"$fovea" data get kmnist --mirror "file://$here/folder" >out 2>err || status=$?
[ $status = 3 ] || fail "status $status" "$(cat err)"
grep -q 'sends more than' err || fail "$(cat err)"
[ ! -e cache/fovea/kmnist ] || fail 'a broken set took its place'
status=0
"$fovea" data get mnst >out 2>err || status=$?
[ $status = 2 ] || fail "status $status"
grep -q 'give one of mnist, fashion-mnist' err || fail "$(cat err)"
