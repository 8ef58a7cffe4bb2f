#!/bin/sh
# load.sh PROGRAM TOOLS small|large [PART...]: many images, many weights, many at once, within bounds; prints the figures.
# TOOLS is the directory of make_load and peak. `small` runs under ctest, `large` under make soak (docs/reliability.md).
set -u
fovea=$(realpath "$1")
tools=$(realpath "$2")
size=$3
shift 3
here=$(mktemp -d) || exit 1
trap 'rm -rf "$here"' EXIT
cd "$here" || exit 1
export XDG_CACHE_HOME="$here/cache"
export OPENBLAS_NUM_THREADS=1
large() {
    [ "$size" = large ]
}

fail() {
    echo "$part: $*"
    exit 1
}

# made FORMAT PATH TRAIN TEST [SIDE]
made() {
    "$tools/make_load" "$@" || fail "make_load $* does not work"
}

# within MIB COMMAND...: of memory of its own; files that are mapped do not count
within() {
    mib=$1
    shift
    (ulimit -d $((mib << 10)) && exec "$@") >out 2>err || fail "$*: not within $mib MiB: $(cat err)"
}

hash_of() {
    sed -n 's/.*"weights_sha256": "\([0-9a-f]*\)".*/\1/p' "$1/run.json"
}

# ---- large files are mapped: 70 MiB of pixels within 40 MiB ----

mapped() {
    (ulimit -d 40960 && exec "$fovea" version) >out 2>&1 || { # a sanitizer's build needs more
        echo "$part: the program does not start within 40 MiB: $(tail -n 1 out)"
        skipped=1
        return
    }
    made idx mapped-idx 95000 5000
    made npy mapped-npy 95000 5000
    for set in mapped-idx mapped-npy; do
        within 40 "$fovea" train $set --epochs 1 --quiet --out $set-run
        within 40 "$fovea" eval $set-run
    done
    [ "$(hash_of mapped-idx-run)" = "$(hash_of mapped-npy-run)" ] || fail "IDX and NPY lead to different weights"
    gzip -1 mapped-idx/train-images-idx3-ubyte
    "$fovea" train mapped-idx --epochs 1 --quiet --out mapped-read || fail "does not train on gzip files"
    [ "$(hash_of mapped-idx-run)" = "$(hash_of mapped-read)" ] || fail "mapped and read files lead to different weights"
    (ulimit -d 40960 && exec "$fovea" train mapped-idx --epochs 1 --quiet --out no-room) >out 2>&1 &&
        fail "70 MiB were read into 40: the bound is none"
    echo "$part: 100,000 images of 28x28 trained and evaluated within 40 MiB beside the file"
}

skipped=0
[ $# -gt 0 ] || set -- mapped
for part; do
    "$part"
    cd "$here" && rm -rf "${here:?}"/*
done
exit $((skipped * 77))
