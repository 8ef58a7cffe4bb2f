#!/bin/sh
# faults.sh PROGRAM MOST [WORK...]: the n-th call of memory, disk, threads or mmap fails (faults.c), for every n of each WORK
# (all that `work` below knows), or for MOST of them, evenly spread. The program must end with the right result, or with
# the right status and a message; what was there before must be untouched, nothing half-written may be left. FAULT_JOBS
# (all processors) run side by side. FAULT_CALLS=1,9-14: these calls alone.
set -u
everything="train resume study studied eval report predict compare verify info audit preview folder cached safetensors
    onnx npz c int8 mapped"

work() {
    case $1 in
    train) "$fovea" train ../set.csv --model "dense classes" --epochs 1 --threads 2 --quiet --out out ;;
    resume) "$fovea" train --resume begun --threads 1 --quiet ;;
    study) "$fovea" study ../set.csv --epochs 1 --seeds 1 --threads 2 --quiet --out out ;;
    studied) "$fovea" study --resume studied --threads 1 --quiet ;;
    eval) "$fovea" eval before ;;
    report) "$fovea" report before --quiet ;;
    predict) "$fovea" predict before ../folder/a/1.pgm ../folder/b/2.pgm --csv --threads 1 ;;
    compare) "$fovea" compare before ../before ;;
    verify) "$fovea" verify before --threads 2 --quiet ;;
    info) "$fovea" data info ../set.csv ;;
    audit) XDG_CACHE_HOME=../cache "$fovea" data info ../folder --html out.html ;;
    preview) "$fovea" data preview ../set.csv --augment "rotation 30" --images 2 --draws 2 -o out.png ;;
    folder) XDG_CACHE_HOME=. "$fovea" data info ../folder --threads 1 ;;
    cached) XDG_CACHE_HOME=../cache "$fovea" data info ../folder ;;
    mapped) "$fovea" train ../large --subset 50 --model "dense classes" --epochs 1 --threads 1 --quiet --out out &&
        weights out/run.json ;;
    int8) "$fovea" export before -o out.c --int8 --quiet ;;
    *) "$fovea" export before -o out."$1" --verify --quiet ;;
    esac
}

fail() {
    echo "FAILED $what, $fault: $*"
}

weights() { # of the run's record
    sed -n 's/.*"weights_sha256": "\([0-9a-f]*\)".*/\1/p' "$1" 2>/dev/null
}

facts() { # the study.json of a study or a report, without its times and the processor's name, which may be unreadable
    cat out/study.json studied/study.json before/study.json 2>/dev/null | grep -vE \
        '"(processor|time_s|date|images_per_s|total|training|augmentation|architecture|scaling|mistakes|embedding|neighbours)": ("|[0-9])'
}

# One fault, in a directory of its own. Leaves nothing, and prints what is wrong.
try() { # what, fault
    what=$1 fault=$2
    mine=$(mktemp -d -p .) && cd "$mine" && cp -r ../before . || exit 1
    [ ! -e "../$what" ] || cp -r "../$what"/* . || exit 1
    FOVEA_FAULT=$fault work "$what" >rows 2>message
    status=$?
    case $fault in
    disk*) allowed=4 ;;
    *) allowed=1 ;;
    esac
    if [ $status -eq 0 ]; then
        case $what in
        train) [ "$(weights out/run.json)" = "$(weights ../before/run.json)" ] || fail "done, but of other weights" ;;
        resume) [ "$(weights begun/run.json)" = "$(weights ../whole/run.json)" ] || fail "done, but of other weights" ;;
        study) [ -s out/report.html ] && [ -s out/study.json ] && [ -s out/final/model.safetensors ] ||
            fail "done, but files are missing: $(ls out)" ;;
        studied) [ -s studied/report.html ] && [ ! -e studied/resume.json ] ||
            fail "done, but files are missing or left: $(ls studied)" ;;
        report) [ -s before/report.html ] || fail "done, but no page" ;;
        preview | safetensors | onnx | npz | int8) ls out.* >/dev/null 2>&1 || fail "done, but no file" ;;
        *) cmp -s rows "../rows.$what" || fail "done, but it says: $(cat rows message)" ;;
        esac
        facts | cmp -s - "../facts.$what" || fail "done, but of other figures: $(facts | diff "../facts.$what" - | head)"
    else
        [ $status -eq $allowed ] || fail "status $status: $(head -n 30 message)"
        read -r first <message
        case $first in
        'fovea: '*) ;;
        *) fail "no message: $(cat rows message)" ;;
        esac
    fi
    case $(cat message) in
    *Sanitizer* | *'runtime error'*) fail "$(head -n 60 message)" ;;
    esac
    left=$(find . -name '*.part*')
    [ -z "$left" ] || fail "left behind: $left"
    for file in out/*.json out/final/*.json begun/*.json studied/*.json before/*.json; do
        [ ! -e "$file" ] || tail -c 2 "$file" | grep -q '}' || fail "cut short: $file"
    done
    diff -rq -x predictions-test.csv -x report.html -x study.json -x explain.safetensors ../before before ||
        fail "files from before were changed"
    cd .. && rm -rf "$mine"
}

fovea=$(realpath "$1")
if [ "$2" = one ]; then
    try "$3" "$4"
    exit
fi

most=$2 self=$(realpath "$0")
shift 2
here=$(mktemp -d) || exit 1
trap 'rm -rf "$here"' EXIT
cd "$here" || exit 1
unset FOVEA_FAULT FOVEA_DATA
export TMPDIR="$here"

# Small sets, so that a training takes milliseconds: rows of pixels, and a folder of pictures.
i=0
while [ $i -lt 60 ]; do
    echo "$((i % 3)) $i" | awk '{ printf "%d", $1; for (j = 1; j <= 16; j++) printf ",%d", ($2 * 7 + j * 31 + $1 * 80) % 256
        print "" }'
    i=$((i + 1))
done >set.csv
mkdir -p folder/a folder/b cache
for i in 1 2 3 4 5 6 7 8; do
    for class in a b; do
        printf 'P5 4 4 255\n%s' "$class$i-0123456789ab$i$i" | head -c 27 >folder/$class/$i.pgm
    done
done
mkdir large # all holes: 1024 images of 256x256, every other of a second class
printf '\0\0\10\3\0\0\4\0\0\0\1\0\0\0\1\0' >large/train-images-idx3-ubyte
truncate -s $((16 + (64 << 20))) large/train-images-idx3-ubyte
{ printf '\0\0\10\1\0\0\4\0' && printf '\0\1%.0s' $(seq 512); } >large/train-labels-idx1-ubyte
printf '\0\0\10\3\0\0\0\2\0\0\1\0\0\0\1\0' >large/t10k-images-idx3-ubyte
truncate -s $((16 + (2 << 16))) large/t10k-images-idx3-ubyte
printf '\0\0\10\1\0\0\0\2\0\1' >large/t10k-labels-idx1-ubyte

# What is there before: a run, a training and a study that stopped half-way, a cache. All from a directory beside the sets.
mkdir begin && cd begin || exit 1
train() {
    "$fovea" train ../set.csv --model "dense classes" --threads 1 --quiet "$@"
}
train --epochs 1 --out ../before && train --epochs 3 --out ../whole || exit 1
n=10
until [ -e ../resume/begun/checkpoint.safetensors ] && grep -q '"running"' ../resume/begun/run.json; do
    rm -rf ../resume && mkdir ../resume && n=$((n + 1)) && [ $n -lt 200 ] || exit 1
    FOVEA_FAULT=disk:$n+ train --epochs 3 --out ../resume/begun 2>/dev/null
done
n=20
until [ "$(ls ../studied/studied/trainings 2>/dev/null | wc -l)" -ge 3 ]; do
    rm -rf ../studied && mkdir ../studied && n=$((n + 5)) && [ $n -lt 400 ] || exit 1
    FOVEA_FAULT=disk:$n+ "$fovea" study ../set.csv --epochs 1 --seeds 1 --threads 1 --quiet --out ../studied/studied 2>/dev/null
done
XDG_CACHE_HOME=../cache "$fovea" data info ../folder >/dev/null || exit 1
cd ..

# The calls of a kind that are made to fail: 9-14 is 9 to 14.
chosen() { # how many there are
    if [ -n "${FAULT_CALLS:-}" ]; then
        echo "$FAULT_CALLS" | tr , '\n' | awk -F- '{ for (i = $1; i <= ($2 ? $2 : $1); i++) print i }'
        return
    fi
    awk -v n="$1" -v most="$most" 'BEGIN {
        for (i = 1; i <= most && i <= n; i++) { # the middles of equal parts
            at = most < n ? int(n * (2 * i - 1) / (2 * most)) + 1 : i
            print at
        }
        print int(n / 2) + 1 "+" }'
}

: >failed
tried=0
for what in ${*:-$everything}; do
    for kind in memory disk thread map; do
        case $what:$kind in
        mapped:map) ;; # a file so large that it is mapped: its other calls are those of `train`
        mapped:*) continue ;;
        esac
        mkdir reference && cd reference && cp -r ../before . || exit 1
        [ ! -e "../$what" ] || cp -r "../$what"/* . || exit 1
        n=$(FOVEA_FAULT=$kind:0 work "$what" 9>&1 >"../rows.$what" 2>message) || {
            echo "$what: does not work: $(cat message)"
            exit 1
        }
        facts >"../facts.$what"
        cd .. && rm -rf reference
        if [ "${n:-0}" -eq 0 ]; then
            case $what:$kind in
            mapped:*) ;;
            *:thread | *:map) continue ;;
            esac
            echo "$what: no calls of $kind"
            exit 1
        fi
        chosen "$n" >calls
        sed "s/.*/$kind:&/" calls | xargs -P "${FAULT_JOBS:-$(nproc)}" -n 1 "$self" "$fovea" one "$what" >>failed ||
            echo "FAILED $what: a run did not work" >>failed
        tried=$((tried + $(wc -l <calls)))
        echo "$what: $n calls of $kind, $(wc -l <calls) made to fail"
    done
done
cat failed
echo "$tried runs, $(grep -c ^FAILED failed) failures"
[ ! -s failed ]
