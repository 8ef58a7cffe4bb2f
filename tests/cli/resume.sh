#!/bin/sh
# resume.sh PROGRAM [KILLS]: kill -9 at random moments, KILLS (10) times in all. Every file is whole at any time, and
# what is resumed ends with the weights of the training that nobody disturbed.
set -u
. "$(dirname "$0")/../scratch.sh"
kills=${2:-10}

hash_of() {
    sed -n 's/.*"weights_sha256": "\([0-9a-f]*\)".*/\1/p' "$1"
}

# random LOW HIGH: in milliseconds, as seconds
random() {
    awk -v low="$1" -v high="$2" -v seed="$(od -An -N4 -tu4 /dev/urandom)" \
        'BEGIN { srand(seed); printf "%.3f", (low + rand() * (high - low)) / 1000 }'
}

# No file may be unreadable: what has its name is whole.
check_files() {
    for file in "$1"/*; do
        case $file in
        */run.json) tail -n 1 "$file" | grep -qx '}' || fail "$file is cut" ;;
        */metrics.csv) tail -c 1 "$file" | od -An -c | grep -q '\\n' || fail "$file is cut" ;;
        */model.safetensors) "$fovea" eval "$1" >eval.out 2>&1 || fail "$(cat eval.out)" ;;
        esac
    done
}

# train_killed NAME OPTIONS...: starts, kills and resumes it until it is done
train_killed() {
    name=$1
    shift
    "$fovea" train digits --quiet --out "$name-whole" "$@" || fail "$name: does not train"
    wanted=$(hash_of "$name-whole/run.json")
    began=0
    while [ "$done" -lt "$kills" ]; do
        rm -rf "$name"
        "$fovea" train digits --quiet --out "$name" "$@" &
        pid=$!
        while :; do
            sleep "$(random 1 150)"
            kill -9 $pid 2>/dev/null && done=$((done + 1))
            wait $pid 2>/dev/null
            [ $? -ne 0 ] || break
            if [ ! -e "$name/run.json" ]; then # before it began: nothing to resume, which is said
                "$fovea" train --resume "$name" 2>messages && fail "$name: resumed from nothing"
                continue 2
            fi
            check_files "$name"
            if [ "$done" -ge "$kills" ]; then # to its end
                "$fovea" train --resume "$name" --quiet 2>messages || fail "$name: $(cat messages)"
                break
            fi
            "$fovea" train --resume "$name" --quiet --checkpoint-every 0.003 2>messages &
            pid=$!
        done
        [ "$(hash_of "$name/run.json")" = "$wanted" ] || fail "$name: resumed to other weights: $(cat messages)"
        [ "$(ls "$name" | grep -v predictions-test | tr '\n' ' ')" = "metrics.csv model.safetensors predictions-validation.csv run.json " ] ||
            fail "$name: left behind: $(ls "$name")"
        cut -d, -f1,3-7 "$name-whole/metrics.csv" >a
        cut -d, -f1,3-7 "$name/metrics.csv" >b
        cmp -s a b || fail "$name: another history"
        began=$((began + 1))
    done
    [ $began -gt 0 ] || fail "$name: nothing was resumed"
}

done=0
all=$kills
kills=$((all / 3)) # after every epoch
train_killed averaged --epochs 60 --optimizer adam --ema 0.99 --threads 1
kills=$((2 * all / 3)) # and within them
train_killed within --epochs 4 --batch 4 --model convnet-bn --augment mild --checkpoint-every 0.005
kills=$all
train_killed patient --epochs 200 --optimizer "sgd momentum 0.9" --learning-rate 0.5 --schedule constant --patience 40 \
    --checkpoint-every 0.002

# It does go on, and does not begin again: from the middle of an epoch, as --checkpoint-every asks, and from its end.
slow="conv 32 5x5 pad 2, conv 32 5x5 pad 2, dense classes" # an epoch of a second
"$fovea" train digits --model "$slow" --epochs 1 --batch 4 --checkpoint-every 0.001 --quiet --out middle 2>messages &
pid=$!
until_true [ -e middle/checkpoint.safetensors ]
kill -9 $pid
wait $pid 2>/dev/null && fail "middle: it had ended"
"$fovea" train --resume middle >rows 2>messages || fail "middle: $(cat messages)"
grep -q 'resumed after 0 of 1 epochs and [0-9]* images' rows || fail "no checkpoint within an epoch: $(cat rows)"

# What cannot go on is refused, and left as it is.
"$fovea" train digits --epochs 100000 --quiet --out busy >rows 2>&1 &
pid=$!
trap 'kill -9 $pid 2>/dev/null; rm -rf "$here"' EXIT
until_true [ -e busy/checkpoint.safetensors ]
timeout 60 "$fovea" train --resume busy >rows 2>messages
[ $? -eq 2 ] && grep -q 'busy: another fovea is training' messages || fail "a second one trains beside: $(cat messages)"
kill -9 $pid
wait $pid 2>/dev/null
trap 'rm -rf "$here"' EXIT
cp -r busy onward
touch onward/model.safetensors.part-0123456789abcdef # half written by one that was killed
"$fovea" train --resume onward >rows 2>messages &
pid=$!
until_true grep -q '^ *[0-9].*%.*%' rows
kill -9 $pid
wait $pid 2>/dev/null
epoch=$(sed -n 's/^ *\([0-9]*\) .*%.*%.*/\1/p' rows | head -n 1)
grep -q "resumed after $((epoch - 1)) of 100000 epochs$" rows && [ "$epoch" -gt 1 ] || fail "began again: $(head -n 20 rows)"
[ ! -e onward/model.safetensors.part-0123456789abcdef ] || fail "left behind: $(ls onward)"
cp -r busy changed
sed -i 's/"train_sha256": "./"train_sha256": "x/' changed/run.json
"$fovea" train --resume changed >rows 2>messages
[ $? -eq 3 ] && grep -q 'not the data' messages || fail "other data: $(cat messages)"
cp -r busy broken
printf x | dd of=broken/checkpoint.safetensors bs=1 seek=3000 conv=notrunc 2>/dev/null
"$fovea" train --resume broken >rows 2>messages
[ $? -eq 3 ] && grep -q 'broken/checkpoint.safetensors: .*checksum' messages || fail "a changed byte: $(cat messages)"
sed 's/"seed": 1,/"seed": 2,/' busy/run.json >broken/run.json
cp busy/checkpoint.safetensors broken
"$fovea" train --resume broken >rows 2>messages
[ $? -eq 3 ] && grep -q 'not of the configuration' messages || fail "another configuration: $(cat messages)"
cmp -s busy/checkpoint.safetensors broken/checkpoint.safetensors || fail "the refused checkpoint was changed"

# Weights to start from that changed since: of what goes on, and of what is verified.
"$fovea" train digits --epochs 1 --model "dense classes" --quiet --out first || fail "first"
"$fovea" train digits --epochs 1 --model "dense classes" --seed 2 --quiet --out second || fail "second"
cp first/model.safetensors start
"$fovea" train digits --epochs 1 --model "dense classes" --init start --quiet --out started || fail "started"
"$fovea" verify started --quiet || fail "verify: with the same weights to start from"
cp -r started stopped
sed -i 's/"status": "done"/"status": "running"/' stopped/run.json
cp second/model.safetensors start
for command in "verify started" "train --resume stopped"; do
    "$fovea" $command >rows 2>messages
    [ $? -eq 3 ] && grep -q '^fovea: start: not the weights that st.* began with' messages ||
        fail "$command: other weights to start from: $(cat messages)"
done
cp first/model.safetensors start
"$fovea" train --resume stopped --quiet || fail "with the same weights to start from"
[ "$(hash_of stopped/run.json)" = "$(hash_of started/run.json)" ] || fail "stopped: other weights"

"$fovea" train --resume patient >rows || fail "a run that is done"
grep -q '^patient is done: ' rows || fail "$(cat rows)"

# A study: what it found must not depend on how often it was killed.
facts() {
    grep -vE '"(time_s|date|images_per_s|command|total|training|augmentation|architecture|scaling|mistakes|embedding|neighbours)": ("|[0-9])' "$1"
}
options="digits --epochs 10 --seeds 1"
"$fovea" study $options --quiet --out study-whole || fail "study: does not run"
facts study-whole/study.json >a
resumed=0
kills=$((all / 2 + 1))
done=0
while [ $done -lt $kills ]; do
    rm -rf study
    "$fovea" study $options --quiet --out study &
    pid=$!
    while :; do
        sleep "$(random 1 350)"
        kill -9 $pid 2>/dev/null && done=$((done + 1))
        wait $pid 2>/dev/null
        [ $? -ne 0 ] || break
        if [ ! -e study/resume.json ] && [ ! -e study/report.html ]; then
            "$fovea" study --resume study 2>messages && fail "study: resumed from nothing"
            continue 2
        fi
        [ $done -lt $kills ] || {
            "$fovea" study --resume study --quiet 2>messages || fail "study: $(cat messages)"
            break
        }
        resumed=$((resumed + 1))
        "$fovea" study --resume study --quiet 2>messages &
        pid=$!
    done
    facts study/study.json >b
    cmp -s a b || fail "study: resumed to other results: $(diff a b | head)"
    [ "$(ls study | tr '\n' ' ')" = "explain.safetensors final report.html study.json " ] || fail "study: left behind: $(ls study)"
done
[ $resumed -gt 0 ] || [ $kills -lt 4 ] || fail "study: nothing was resumed"

# A study goes on as it began: other options, other data, a record that changed are refused.
awk 'BEGIN { for (i = 0; i < 60; i++) { printf "%d", i % 3
    for (j = 0; j < 16; j++) printf ",%d", (i * 7 + j * 31 + i % 3 * 80) % 256
    print "" } }' >set.csv
"$fovea" study ./set.csv --epochs 300 --seeds 20 --quiet --out study-killed &
pid=$!
until_true eval '[ -n "$(ls study-killed/trainings/*.safetensors 2>/dev/null)" ]'
kill -9 $pid
wait $pid 2>/dev/null
find study-killed -type f -exec cksum {} + | sort >a
refused() { # status, words of the message, options...
    wanted=$1 words=$2
    shift 2
    "$fovea" study --resume study-killed "$@" >rows 2>messages
    status=$?
    [ $status -eq $wanted ] && grep -q "$words" messages || fail "study: $words: status $status: $(cat messages)"
}
refused 2 'leave --epochs out' --epochs 5
refused 2 'leave --seeds out' --seeds 2
cp set.csv kept.csv
awk -F, -v OFS=, 'NR == 5 { $2 = ($2 + 1) % 256 } 1' kept.csv >set.csv
cmp -s kept.csv set.csv && fail "the data did not change"
refused 3 'not the data that the study began with'
cp kept.csv set.csv
sed 's/"epochs": "300"/"epochs": "301"/' study-killed/resume.json >changed.json
cmp -s changed.json study-killed/resume.json && fail "the record names no epochs"
cp study-killed/resume.json kept.json
cp changed.json study-killed/resume.json
refused 3 'resume.json: not as the study wrote it'
cp kept.json study-killed/resume.json
find study-killed -type f -exec cksum {} + | sort >b
cmp -s a b || fail "the refused study was changed"

# What is done is not trained again: it would be written anew.
stat -c '%n %i %y' study-killed/trainings/*.safetensors >a
n=$(wc -l <a)
"$fovea" study --resume study-killed --quiet 2>messages &
pid=$!
until_true eval '[ "$(ls study-killed/trainings/*.safetensors | wc -l)" -gt $n ]'
kill -9 $pid
wait $pid 2>/dev/null
stat -c '%n %i %y' $(cut -d ' ' -f 1 a) | cmp -s a - || fail "study: trained again what was done"
