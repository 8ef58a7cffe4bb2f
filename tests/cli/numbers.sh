#!/bin/sh
# numbers.sh PROGRAM WHAT: runs whose numbers go wrong, or whose data are at the edge of what there can be. Each ends
# well, or with status 5 and its last finite weights; no file holds a NaN or an infinity.
set -u
. "$(dirname "$0")/../scratch.sh"
"$python" -c '' 2>/dev/null || skip "no $python"
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

# Sets at the edge: each trains.
sets() {
    "$python" "$tests/edge_sets.py" || exit 1
    for set in plain black grey onepixel seventeen absent; do
        for model in 'dense 8, relu, dense classes' 'conv 4 3x3 pad 1, batchnorm, relu, globalavgpool, dense classes'; do
            train "$set $model" "./$set" --model "$model" --epochs 2 --batch 16 # of 17: a last batch of one image
            ends 0
            use
        done
    done
    for model in convnet convnet-bn convnet-onedropout; do
        train "thousand $model" ./thousand --model $model --epochs 1
        ends 0
        train "large $model" ./large --model $model --epochs 1 --validation 0
        ends 0
    done
    name='thousand convnet-bn'
    use
    [ "$(stat -c %s "$name/report.html")" -lt 10000000 ] || fail 'the page of 1,000 classes is too large'
    # Nothing can be learned of these, or read.
    for set in alone single nan; do
        "$fovea" train ./$set --quiet --out $set-run 2>message
        code=$?
        [ $code -eq 3 ] || fail "$set: status $code"
        grep -q 'at least two classes are needed\|images must be uint8' message || fail "$set: $(cat message)"
        [ ! -e $set-run ] || fail "$set: a run was begun"
    done
}

# Splits and options at the edge.
options() {
    "$python" "$tests/edge_sets.py" || exit 1
    bn='conv 4 3x3 pad 1, batchnorm, relu, dense 8, batchnorm, relu, dense classes'
    train whole ./plain --validation 0 --epochs 2
    ends 0
    use
    head -n 3 whole/metrics.csv | tail -n 1 | grep -q '^2,[^,]*,[^,]*,[^,]*,[^,]*,,,' || fail "whole: $(cat whole/metrics.csv)"
    ! grep -q validation_loss whole/run.json || fail 'whole: a validation loss of no images'
    train one ./plain --subset 1 --model "$bn" --epochs 3
    ends 0
    use
    grep -q '"n_training": 1,' one/run.json || fail "one: $(cat one/run.json)"
    train batch ./plain --batch 65536 --model "$bn" --epochs 2
    ends 0
    train images ./plain --batch 1 --model "$bn" --epochs 1
    ends 0
    use
    train decay ./plain --optimizer 'adam weight_decay 1' --learning-rate 1 --epochs 3
    use
    train smoothed ./plain --label-smoothing 0.99 --ema 0.999999 --patience 1 --schedule 'step 0' --epochs 3
    ends 0
    use
    for refused in '--epochs 0' '--learning-rate 0' '--validation 0 --patience 1' '--subset 0' '--subset 0.00001' '--subset 91'; do
        # shellcheck disable=SC2086
        "$fovea" train ./plain $refused --out refused >/dev/null 2>message
        code=$?
        [ $code -eq 2 ] || fail "$refused: status $code: $(cat message)"
    done
    for layer in 'dropout 1' 'dropout2d 1'; do
        "$fovea" train ./plain --model "conv 4 3x3, $layer, dense classes" --out refused >/dev/null 2>message
        [ $? -eq 2 ] || fail "$layer: $(cat message)"
    done
    [ ! -e refused ] || fail 'a refused training left something'

    # Weights from elsewhere that are no numbers.
    "$python" - <<'END'
import json, struct
for name, value in ('nan', float('nan')), ('inf', float('inf')):
    head = {'0.weight': {'dtype': 'F32', 'shape': [3, 64], 'data_offsets': [0, 768]},
            '0.bias': {'dtype': 'F32', 'shape': [3], 'data_offsets': [768, 780]}}
    text = json.dumps(head).encode()
    open(name + '.safetensors', 'wb').write(struct.pack('<Q', len(text)) + text + struct.pack('<195f', *([0.5] * 7), value, *([0.5] * 187)))
END
    for file in nan inf; do
        "$fovea" train ./plain --model 'dense classes' --init $file.safetensors --out refused >/dev/null 2>message
        code=$?
        [ $code -eq 3 ] || fail "--init $file: status $code: $(cat message)"
        grep -q "value 7 of tensor.*0.weight.* is $file" message || fail "--init $file: $(cat message)"
        "$fovea" eval $file.safetensors ./plain --model 'dense classes' >/dev/null 2>message
        [ $? -eq 3 ] || fail "eval $file: $(cat message)"
    done
    [ ! -e refused ] || fail 'a refused training left something'
}

# again STUDY: its page, made once more from its files, is the very same.
again() {
    cp "$1/report.html" first.html
    "$fovea" report "$1" --quiet 2>message || fail "report $1: $(cat message)"
    cmp -s "$1/report.html" first.html || fail "$1: the page made again differs"
}

# A whole study of such sets.
studies() {
    "$python" "$tests/edge_sets.py" || exit 1
    for set in black seventeen absent; do
        "$fovea" study ./$set --seeds 1 --epochs 1 --quiet --out study-$set 2>message || fail "study $set: $(cat message)"
        "$python" "$tests/finite.py" study-$set || failures=$((failures + 1))
    done
    # Of five test images none has eight others: no neighbours are told, anywhere.
    "$python" - <<'END' || fail 'neighbours of too few'
import json
import struct
study = json.load(open('study-seventeen/study.json'))
assert 'neighbours' in study['config']['parts'] and 'neighbours' not in study
assert study['embedding']['perplexity'] < 5, study['embedding']['perplexity']
data = open('study-seventeen/explain.safetensors', 'rb').read()
names = json.loads(data[8:8 + struct.unpack('<Q', data[:8])[0]])
assert 'logits' in names and not [name for name in names if 'nearest' in name], list(names)
page = open('study-seventeen/report.html').read()
assert 'five test images are too few for eight neighbours' in page
assert 'data-figure="neighbours"' not in page and 'The most alike image' not in page
assert len(json.load(open('study-black/study.json'))['neighbours']) > 0
END
    again study-seventeen
    # Without neighbours the same queries are found again, or those that were asked for.
    for queries in '' '--queries 7,3,11'; do
        # shellcheck disable=SC2086
        "$fovea" study ./black --seeds 1 --epochs 1 --quiet --parts kernels $queries --out "kernels $queries" 2>message ||
            fail "study kernels: $(cat message)"
        grep -q 'id="payload-responses"' "kernels $queries/report.html" || fail "kernels $queries: no responses"
        again "kernels $queries"
    done
    # A study that explains nothing still knows how its data were read.
    "$fovea" study ./black --transpose --seeds 1 --epochs 1 --quiet --parts augmentation --out transposed 2>message ||
        fail "study --transpose: $(cat message)"
    again transposed
    "$fovea" study ./onepixel --seeds 2 --epochs 1 --quiet --parts scaling,mistakes,confusion,embedding,neighbours \
        --explain 'dense 8, relu, dense classes' --out study-onepixel 2>message || fail "study onepixel: $(cat message)"
    "$python" "$tests/finite.py" study-onepixel || failures=$((failures + 1))
}

"$2"
[ $failures -eq 0 ]
