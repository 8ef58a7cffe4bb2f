#!/bin/sh
# stranger.sh PROGRAM: directories of runs and studies whose files do not belong together, as a stranger may hand them
# over: refused with a message that names the file.
set -u
. "$(dirname "$0")/../scratch.sh"
"$python" -c 'import numpy' 2>/dev/null || skip "no numpy"
failures=0

refused() { # status, words, command...
    wanted=$1 words=$2
    shift 2
    timeout -k 1 60 "$fovea" "$@" >out 2>err # one that is not refused may train for hours
    status=$?
    [ $status -eq "$wanted" ] && grep -q -- "$words" err && return
    echo "fovea $*: status $status, wanted $wanted and \"$words\": $(cat err)"
    failures=$((failures + 1))
}
change() { # file, statements about s, the JSON
    "$python" -c 'import json, sys
s = json.load(open(sys.argv[1]))
exec(sys.argv[2])
json.dump(s, open(sys.argv[1], "w"))' "$@"
}
# Puts a number into a tensor of a safetensors file.
poke() { # file, tensor, number
    "$python" - "$@" <<'END'
import hashlib, json, re, sys
import numpy as np
path, name, number = sys.argv[1:]
data = bytearray(open(path, 'rb').read())
n = int.from_bytes(data[:8], 'little')
tensor = json.loads(data[8:8 + n])[name]
kinds = {'F32': '<f4', 'F64': '<f8', 'U32': '<u4'}
at = 8 + n + tensor['data_offsets'][0]
new = np.array([float(number)], kinds[tensor['dtype']]).tobytes()
data[at:at + len(new)] = new
found = re.search(rb'"content_sha256":\s*"([0-9a-f]{64})"', bytes(data[:8 + n]))
if found:
    a, b = found.span(1)
    data[a:b] = b'0' * 64
    data[a:b] = hashlib.sha256(data).hexdigest().encode()
open(path, 'wb').write(data)
END
}

# Of 40 classes, where the run's own data has ten.
"$python" -c 'import random
for i in range(400): print(i % 40, *[random.randrange(256) for _ in range(64)], sep=",")' >many.csv
"$fovea" train many.csv --model 'dense classes' --epochs 1 --out wide --quiet || exit 1
"$fovea" train digits --model 'dense classes' --epochs 1 --out run --quiet || exit 1
cp wide/model.safetensors run/
refused 2 'model.safetensors reads 8x8x1 images of 40 classes' report run

"$fovea" study digits --parts mistakes,kernels,neighbours,embedding --epochs 1 --seeds 1 --out study --quiet || exit 1
for name in logits nearest_distances embedding; do
    for number in nan inf; do
        cp -r study other
        poke other/explain.safetensors $name $number
        refused 3 'explain.safetensors: is not what this study left' report other
        rm -r other
    done
done
cp -r study other
change other/study.json 's["dataset"].update(n_classes=1000, class_names=["x"] * 1000)'
refused 3 'study.json: is of another number of classes' report other
rm -r other
cp -r study other
change other/study.json 's["augmentation"] = []; s["config"]["augmentations"] = ["rotation 30"] * 65'
refused 3 'more than a study takes' report other
rm -r other

# A study that is done forgets what it kept of its trainings, and only that.
cp -r wide models
ln -s ../models study/trainings
"$fovea" study --resume study --quiet || failures=$((failures + 1))
[ -e models/model.safetensors ] || {
    echo 'study --resume: removed files behind a link'
    failures=$((failures + 1))
}

# Directories with names that are no text.
rm -r run
"$fovea" train digits --model 'dense classes' --epochs 1 --out run --quiet || exit 1
"$fovea" eval run --quiet || exit 1
for name in "$(printf 'r\377')" "$(printf 'r\033[2J')"; do
    cp -r run "$name"
    for verb in report eval 'compare run'; do
        # shellcheck disable=SC2086
        "$fovea" $verb "$name" >out 2>err && ! LC_ALL=C grep -q "$(printf '\033')" out && continue
        echo "$verb of a strange name: $(cat -v out err)"
        failures=$((failures + 1))
    done
    "$fovea" compare run "$name" --json >compare.json
    "$python" -c 'import json; assert len(json.load(open("compare.json"))["runs"]) == 2' || failures=$((failures + 1))
done

# Predictions that are none.
head -n 1 run/predictions-test.csv >head
cp -r run other
cp head other/predictions-test.csv
refused 3 'predictions of test images are none' compare run other
echo '0,1,1,0.9,0.9,nan' | cat head - >other/predictions-test.csv
refused 3 'a loss that is no finite number' compare run other --json
rm -r other

# Nothing is written through a link that a directory brings.
echo mine >mine
for file in report.html predictions-test.csv; do
    cp -r run other
    rm -f other/$file
    ln -s ../mine other/$file
    verb=report
    [ $file = report.html ] || verb=eval
    refused 4 "other/$file: is a link, which is not written through" $verb other
    rm -r other
done
"$fovea" train digits --epochs 100000 --model "dense classes" --quiet --out begun 2>err &
pid=$!
until_true [ -e begun/checkpoint.safetensors ]
kill -9 $pid
wait $pid 2>/dev/null
ln -s ../mine begun/model.safetensors
refused 4 'begun/model.safetensors: is a link, which is not written through' train --resume begun
rm begun/model.safetensors
mv begun/checkpoint.safetensors kept
ln -s ../kept begun/checkpoint.safetensors
refused 4 'begun/checkpoint.safetensors: is a link, which is not written through' train --resume begun
sed -i 's/"status": "done"/"status": "running"/' run/run.json
for file in run.json metrics.csv; do
    cp -r run other
    cp run/$file linked
    ln -sf ../linked other/$file
    refused 4 "other/$file: is a link, which is not written through" train --resume other
    cmp -s linked run/$file || {
        echo "train --resume: wrote through $file"
        failures=$((failures + 1))
    }
    rm -r other
done
"$fovea" study digits --parts mistakes --explain 'dense classes' --epochs 300 --seeds 1 --quiet --out stopped 2>err &
pid=$!
until_true [ -e stopped/resume.json ]
kill -9 $pid
wait $pid 2>/dev/null
for file in trainings resume.json study.json explain.safetensors final final/model.safetensors report.html; do
    cp -r stopped other
    rm -rf linked other/$file
    case $file in
    trainings | final) mkdir linked ;;
    resume.json) cp stopped/resume.json linked ;;
    *) mkdir -p other/final && echo mine >linked ;;
    esac
    ln -s "$here/linked" other/$file
    refused 4 "other/$file: is a link, which is not written through" study --resume other
    case $file in
    trainings | final) [ -z "$(ls linked)" ] ;;
    resume.json) cmp -s linked stopped/resume.json ;;
    *) [ "$(cat linked)" = mine ] ;;
    esac || {
        echo "study --resume: wrote through $file"
        failures=$((failures + 1))
    }
    rm -r other
done
[ "$(cat mine)" = mine ] || failures=$((failures + 1))

# Nor is a pipe waited for, which nobody writes to or reads from.
mkfifo pipe
pipe='is a pipe or a device: give a file'
refused 3 "pipe: $pipe" train --config pipe
refused 3 "pipe: $pipe" train digits --init ./pipe
refused 3 'pipe: is a pipe: give a file' train digits --model ./pipe
refused 3 "pipe: $pipe" predict run pipe
change begun/run.json 's["config"]["init"] = "./pipe"'
refused 3 "pipe: $pipe" train --config begun/run.json
refused 3 "pipe: $pipe" train --resume begun
mkdir images
mkfifo images/train-images-idx3-ubyte images/train-labels-idx1-ubyte
change begun/run.json 's["config"]["dataset"] = "./images"'
refused 3 "train-images-idx3-ubyte: $pipe" train --config begun/run.json
for file in run.json model.safetensors metrics.csv report.html predictions-test.csv; do
    cp -r run other
    rm -f other/$file
    mkfifo other/$file
    case $file in
    predictions-test.csv) refused 4 "other/$file: is a pipe or a device, which is not written through" eval other ;;
    report.html) refused 4 "other/$file: is a pipe or a device, which is not written through" report other ;;
    *) refused 3 "other/$file: $pipe" report other ;;
    esac
    rm -r other
done

# Weights that C source cannot hold; and such that 8 bits of the next value have no shift for.
"$fovea" train digits --model 'conv 4 3x3, batchnorm, relu, dense classes' --epochs 1 --quiet --out normed
cp -r normed large
poke large/model.safetensors 0.weight 1e30
poke large/model.safetensors 1.weight 1e30
refused 5 'large.c: its numbers would be too large' export large -o large.c
refused 5 'large.c: its numbers would be too large' export large --int8 -o large.c
[ ! -e large.c ] || failures=$((failures + 1))
if command -v cc >/dev/null; then
    poke normed/model.safetensors 0.weight 1e36
    poke normed/model.safetensors 1.bias -3e38
    "$fovea" export normed --int8 -o normed.c --quiet || failures=$((failures + 1))
    cc -std=c99 -fsanitize=undefined -fno-sanitize-recover=all normed.c normed_main.c -o normed.out
    head -c 6400 "$fovea" | ./normed.out >/dev/null || failures=$((failures + 1))
fi
[ $failures -eq 0 ]
