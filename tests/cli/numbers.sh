#!/bin/sh
# numbers.sh PROGRAM WHAT: runs whose numbers go wrong, or whose data are at the edge of what there can be. Each ends
# well, or with status 5 and its last finite weights; no file holds a NaN or an infinity.
set -u
fovea=$(realpath "$1")
tests=$(dirname "$(realpath "$0")")
here=$(mktemp -d) || exit 1
trap 'rm -rf "$here"' EXIT
cd "$here" || exit 1
export XDG_CACHE_HOME="$here/cache"
python=/usr/bin/python3
"$python" -c '' 2>/dev/null || exit 77
failures=0

fail() {
    echo "$*"
    failures=$((failures + 1))
}

# train NAME DATA OPTION...: $status
train() {
    name=$1
    shift
    "$fovea" train "$@" --quiet --out "$name" 2>"$name.message"
    status=$?
    [ $status -eq 0 ] || [ $status -eq 5 ] || fail "$name: train: status $status: $(cat "$name.message")"
    result=done
    [ $status -eq 0 ] || result=diverged
    grep -q "\"status\": \"$result\"" "$name/run.json" || fail "$name: run.json does not say $result"
    [ ! -e "$name/checkpoint.safetensors" ] || fail "$name: a checkpoint is left"
    [ -s "$name/model.safetensors" ] || fail "$name: no weights were kept"
    "$python" "$tests/finite.py" "$name" || failures=$((failures + 1))
}
# ends STATUS: that of the last training
ends() {
    [ "$status" -eq "$1" ] || fail "$name: status $status, not $1: $(cat "$name.message")"
}
# Every verb that reads a run; none may fail.
use() {
    for split in test validation train; do
        "$fovea" eval "$name" --split $split --json >"$name/eval-$split.json" 2>message ||
            grep -q "has no $split images" message || fail "$name: eval $split: $(cat message)"
    done
    [ -s "$name/eval-validation.json" ] || rm "$name/eval-validation.json"
    "$fovea" compare "$name" "$name" --json >"$name/compare.json" 2>message || fail "$name: compare: $(cat message)"
    "$fovea" report "$name" --quiet 2>message || fail "$name: report: $(cat message)"
    [ $status -ne 0 ] || "$fovea" verify "$name" --json >"$name/verify.json" 2>message || fail "$name: verify: $(cat message)"
    for format in onnx npz safetensors; do
        "$fovea" export "$name" --format $format --verify --out "$name/export.$format" --json >"$name/$format.json" \
            2>message || fail "$name: export $format: $(cat message)"
    done
    "$python" "$tests/finite.py" "$name" || failures=$((failures + 1))
}

# Learning rates that no training stands.
diverging() {
    for optimizer in sgd adam adadelta; do
        for model in convnet convnet-bn 'dense 32, relu, dense classes'; do
            train "$optimizer $model" digits --model "$model" --optimizer $optimizer --learning-rate 1e9 --schedule constant \
                --subset 300 --epochs 2
            [ $optimizer != sgd ] || ends 5
            use
        done
        train "$optimizer all" digits --model "dense 32, relu, dense classes" --optimizer $optimizer --learning-rate 1e20 \
            --subset 300 --epochs 3 --ema 0.9 --patience 2
        train "$optimizer smooth" digits --learning-rate 1e9 --optimizer $optimizer --label-smoothing 0.1 --augment 'mixup 1' \
            --subset 300 --epochs 2
        train "$optimizer weighted" digits --learning-rate 1e9 --optimizer $optimizer --class-weights balanced --validation 0 \
            --subset 300 --epochs 2
    done
}

# One step so long that the weights are finite still, and no output is: every verb that meets them says so.
overflowing() {
    train one digits --model 'dense 8, relu, dense 8, relu, dense classes' --optimizer adam --learning-rate 1e18 --batch 65536 \
        --epochs 1 --validation 0
    ends 0
    "$fovea" data preview digits --augment 'rotation 30' --out sheet.png >/dev/null || fail 'no picture to predict'
    for command in 'eval one' 'eval one --split train --json' 'report one' 'compare one one' 'predict one sheet.png --csv' \
        'export one --out one.onnx --verify'; do
        # shellcheck disable=SC2086
        "$fovea" $command >rows 2>message
        code=$?
        [ $code -eq 5 ] || fail "$command: status $code: $(cat rows message)"
        grep -q 'finite\|too large' message || fail "$command: $(cat message)"
        ! grep -qiw 'nan\|inf' rows || fail "$command: $(cat rows)"
    done
    [ "$(ls one | tr '\n' ' ')" = 'metrics.csv model.safetensors run.json ' ] || fail "left: $(ls one)"
    # Validation meets them at the end of the epoch: the weights from before are kept.
    train judged digits --model 'dense 8, relu, dense 8, relu, dense classes' --optimizer adam --learning-rate 1e18 --batch 65536 \
        --epochs 1
    ends 5
    use
}

"$2"
[ $failures -eq 0 ]
