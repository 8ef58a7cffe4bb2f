#!/bin/sh
# load.sh PROGRAM TOOLS small|large [PART...]: many images, many weights, many at once, within bounds; prints the figures.
# TOOLS is the directory of make_load and peak. `small` runs under ctest, `large` under make soak (docs/reliability.md).
set -u
tools=$(realpath "$2")
size=$3
. "$(dirname "$0")/../scratch.sh"
shift 3
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

# ---- a mapped file that becomes shorter: a message, not a crash ----

cut() {
    made idx cut-data 100000 2000
    "$fovea" train cut-data --epochs 1000 --quiet --out cut 2>err &
    pid=$!
    while [ ! -e cut/run.json ] && kill -0 $pid 2>/dev/null; do sleep 0.05; done
    truncate -s 1000 cut-data/train-images-idx3-ubyte
    wait $pid
    status=$?
    [ $status -eq 4 ] && grep -q 'became shorter' err || fail "ends with status $status: $(cat err)"
    echo "$part: status 4 and a message"
}

# ---- trainings started at once, each in its own directory, on one folder that nobody has decoded yet ----

together() {
    n=10
    ! large || n=100
    made folder together-data 2000 400
    for i in $(seq $n); do
        "$fovea" train together-data --epochs 1 --out "together/$i" >"together-$i.log" 2>&1 &
    done
    wait
    [ "$(cat together/*/run.json | sed -n 's/.*"weights_sha256": "\([0-9a-f]*\)".*/\1/p' | wc -l)" -eq $n ] ||
        fail "not all of $n trainings ended well: $(cat together-*.log)"
    [ "$(cat together/*/run.json | grep weights_sha256 | sort -u | wc -l)" -eq 1 ] || fail "the weights differ"
    waited=$(grep -l 'waiting for it' together-*.log | wc -l)
    [ "$waited" -gt 0 ] || fail "nobody waited for the one that decodes"
    [ "$(ls cache/fovea/.images | wc -l)" -eq 1 ] || fail "the cache holds more than the set: $(ls cache/fovea/.images)"
    echo "$part: $n trainings at once, the same weights; $waited waited for the one that decoded the folder"
}

# ---- in one directory: one at a time, a study too ----

same() { # the first one has hours to do
    "$fovea" study digits --parts scaling --epochs 100000 --seeds 2 --quiet --out same-study >same.log 2>&1 &
    pid=$!
    trap 'kill -9 $pid 2>/dev/null; rm -rf "$here"' EXIT
    while [ ! -e same-study/resume.json ] && kill -0 $pid 2>/dev/null; do sleep 0.01; done
    timeout 60 "$fovea" study --resume same-study --quiet >out 2>&1
    [ $? -eq 2 ] && grep -q 'another fovea' out || fail "a second study went on in the first one's directory: $(cat out)"
    "$fovea" study digits --epochs 1 --quiet --out same-study >out 2>&1
    [ $? -eq 2 ] || fail "a second study began in the first one's directory: $(cat out)"
    kill -INT $pid
    wait $pid
    status=$?
    trap 'rm -rf "$here"' EXIT
    [ $status -eq 130 ] && [ -s same-study/resume.json ] || fail "the first study suffered: $status: $(cat same.log)"
    echo "$part: a second study in the directory of one that runs is refused"
}

# ---- rows of predictions into a pipe that closes ----

pipe() {
    n=3000
    ! large || n=100000
    made folder pipe-data $n 100
    "$fovea" train pipe-data --subset 1000 --epochs 1 --quiet --out pipe-run || fail "does not train"
    { "$tools/peak" kib "$fovea" predict pipe-run pipe-data/train --csv 2>err; echo $? >status; } | head -n 3 >out
    [ "$(wc -l <out)" -eq 3 ] || fail "head got no three lines: $(cat out err)"
    [ "$(cat status)" -eq 4 ] && [ "$(cat err)" = 'fovea: standard output: could not be written: Broken pipe' ] ||
        fail "ends with status $(cat status): $(head err)"
    "$fovea" predict pipe-run pipe-data/train --csv >rows || fail "does not predict"
    [ "$(wc -l <rows)" -eq $((n + 1)) ] || fail "$(wc -l <rows) lines for $n images"
    echo "$part: predictions of $n images | head: status $(cat status), $(($(cat kib) >> 10)) MiB"
}

# ---- a study of a million images within 3 GiB ----

million() {
    made idx million-data 1000000 100000
    "$tools/peak" kib "$fovea" data info million-data >out 2>&1 || fail "data info: $(cat out)"
    info=$(cat kib)
    "$tools/peak" kib "$fovea" study million-data --epochs 1 --seeds 1 --quiet --out million >out 2>&1 ||
        fail "$(cat out)"
    [ "$(cat kib)" -lt 3145728 ] || fail "the study took $(cat kib) KiB, more than 3 GiB"
    [ "$info" -lt 3145728 ] || fail "data info took $info KiB, more than 3 GiB"
    page=$(wc -c <million/report.html)
    [ "$page" -lt 10000000 ] || fail "the report has $page bytes"
    echo "$part: study $(($(cat kib) >> 10)) MiB, data info $((info >> 10)) MiB, report $((page / 1000)) kB"
}

# ---- fifty million parameters ----

parameters() {
    made idx wide-data 2000 200
    wide='conv 8 3x3, relu, maxpool 2, dense 37000, relu, dense classes'
    "$tools/peak" kib "$fovea" train wide-data --model "$wide" --epochs 1 --quiet --out wide-whole 2>err ||
        fail "$(cat err)"
    kib=$(cat kib)
    "$fovea" train wide-data --model "$wide" --epochs 1 --checkpoint-every 1 --quiet --out wide 2>err &
    pid=$!
    while [ ! -e wide/checkpoint.safetensors ] && kill -0 $pid 2>/dev/null; do sleep 0.05; done
    kill -9 $pid 2>/dev/null
    wait $pid
    checkpoint=$(wc -c <wide/checkpoint.safetensors) || fail "no checkpoint was there to resume"
    "$fovea" train --resume wide --quiet 2>err || fail "$(cat err)"
    [ "$(hash_of wide)" = "$(hash_of wide-whole)" ] || fail "resumed, it has other weights"
    "$fovea" eval wide --quiet >out 2>&1 || fail "eval: $(cat out)"
    for format in safetensors onnx npz c; do
        "$tools/peak" kib "$fovea" export wide --format $format -o wide.$format >out 2>&1
        status=$?
        echo "  export $format: status $status, $(($(cat kib) >> 10)) MiB, $(wc -c <wide.$format 2>/dev/null) bytes"
        case $format:$status:$(cat out) in # the text of 50 million weights may be too much
        *:0:* | c:1:*'out of memory'* | c:1:*'not enough memory'*) ;;
        *) fail "export $format: $(cat out)" ;;
        esac
        rm -f wide.$format
    done
    echo "$part: 50 million weights trained within $((kib >> 10)) MiB, checkpoint $((checkpoint >> 20)) MiB, same bits resumed"
}

# ---- a set larger than memory: a control group of 256 MiB, or 64 MiB beside the file ----

larger() {
    model='avgpool 8, avgpool 4, dense classes'
    group=/sys/fs/cgroup/memory/fovea-load-$$
    if mkdir "$group" 2>/dev/null && echo $((256 << 20)) >"$group/memory.limit_in_bytes"; then
        # The group's own memory holds the pages of the files that it writes and reads.
        (echo 0 >"$group/cgroup.procs" && "$tools/make_load" idx larger-data 64000 1536 256 &&
            exec "$tools/peak" kib "$fovea" train larger-data --model "$model" --epochs 1 --quiet --out larger) >out 2>&1 ||
            fail "$(cat out)"
        rmdir "$group"
        # Checksum, statistics, the epoch, validation; without advice to the system it reads many times as much.
        [ "$(cat kib.read)" -lt 24576 ] || fail "$(cat kib.read) MiB were read of a file of 4 GiB"
        echo "$part: 4 GiB of images in a control group of 256 MiB: $(($(cat kib) >> 10)) MiB with its pages of the file," \
            "$(cat kib.read) MiB read"
    else
        made idx larger-data 64000 1536 256
    fi
    within 64 "$fovea" train larger-data --model "$model" --epochs 1 --quiet --out larger-within
    echo "$part: 4 GiB of images trained on within 64 MiB beside the file"
}

# ---- a CSV file of a gigabyte: pixels and a buffer are all that is kept ----

csv() {
    made csv pixels.csv 450000 0
    "$tools/peak" kib "$fovea" train pixels.csv --subset 1000 --epochs 1 --quiet --out csv >out 2>&1 || fail "$(cat out)"
    [ "$(cat kib)" -lt 1048576 ] || fail "took $(cat kib) KiB, more than 1 GiB"
    echo "$part: $(wc -c <pixels.csv) bytes of CSV read within $(($(cat kib) >> 10)) MiB"
}

skipped=0
[ $# -gt 0 ] || if large; then
    set -- mapped cut together same pipe million parameters larger csv
else
    set -- mapped cut together same pipe
fi
for part; do
    "$part"
    cd "$here" && rm -rf "${here:?}"/*
done
exit $((skipped * 77))
