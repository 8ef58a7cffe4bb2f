#!/bin/sh
# c_source.sh FOVEA RUN_LOGITS: exported C compiles without a warning by every compiler that is here (gcc, clang,
# arm-none-eabi-gcc), runs clean under the sanitizers, and gives the run's logits in float; in 8 bits nearly its
# accuracy. Every named model, and texts with what is rare.
set -eu
. "$(dirname "$0")/../scratch.sh"
run_logits=$2
strict='-std=c99 -Wall -Wextra -pedantic -Werror -O1'
: >seen
compile() { # stem
    for cc in gcc clang; do
        command -v $cc >/dev/null || continue
        echo $cc >>seen
        # shellcheck disable=SC2086 # the flags are words
        $cc $strict "$1.c" "$1_main.c" -o "program-$cc"
    done
    if command -v arm-none-eabi-gcc >/dev/null; then
        echo arm-none-eabi-gcc >>seen
        # shellcheck disable=SC2086
        arm-none-eabi-gcc -mcpu=cortex-m4 -mthumb $strict -c "$1.c" -o arm.o
    fi
}
number() { sed -n "s/.*\"$2\": \([0-9.e+-]*\).*/\1/p" "$1"; }

# check RUN STEM OPTION POINTS: the most accuracy that may be lost, in points; "" float, where nothing may.
check() {
    # shellcheck disable=SC2086 # no option is no word
    "$fovea" export "$1" -o "$2.c" $3 --verify --json >json
    compile "$2"
    cc -std=c99 -g -fsanitize=address,undefined -fno-sanitize-recover=all "$2.c" "$2_main.c" -o checked
    head -c 40000 pixels | ./checked >/dev/null
    awk -v n="$(number json images)" -v a="$(number json correct_run)" -v b="$(number json correct_export)" \
        -v same="$(number json same)" -v points="$4" -v d="$(number json largest_difference)" -v what="$2: $model" 'BEGIN {
            lost = 100 * (a - b) / n
            printf "%s: %d of %d alike, %.2f points lost, logits differ by %s\n", what, same, n, lost, d
            exit !(n > 0 && (points == "" ? same == n && d <= 1e-4 : lost <= points)) }' || exit 1
}

n=0
while IFS= read -r model; do
    n=$((n + 1))
    "$fovea" train digits --model "$model" --epochs 3 --quiet --out "run$n"
    "$run_logits" "run$n" pixels logits >shape
    check "run$n" "float$n" '' ''
    check "run$n" "int$n" --int8 3
done <<'END'
convnet
convnet-nodropout
convnet-onedropout
convnet-bn
resnet-small
dense classes
dense 20, relu, dense classes, relu
conv 4 3x3 pad 1, relu, conv classes 1x1, globalavgpool, dropout 0.1
conv 8 3x3 pad 1, relu, conv classes 1x1, avgpool 7
conv 6 5x3 stride 2 pad 2, batchnorm, avgpool 2, flatten, batchnorm, relu, dense 12, batchnorm, relu, dense classes
batchnorm, relu, maxpool 2, relu, conv 8 3x3, maxpool 2, relu, dense classes
dense 16, relu, conv 8 1x1, relu, maxpool 1, residual( conv 8 1x1 ), dense classes
residual( conv 1 3x3 pad 1, relu ), relu, residual( conv 4 3x3 pad 1 | conv 4 1x1 ), relu, dense classes
END
[ $n -eq 13 ]

# Three channels of their own means: padded convolutions of 8 bits then take normalised pixels, the others raw ones.
"$python" - <<'END'
import os, random, struct
random.seed(7)
os.mkdir("colours")
for split, n in (("train", 300), ("t10k", 120)):
    pixels = bytearray()
    for i in range(n):
        for c in range(3):
            base = 40 + 60 * c + (50 if i % 3 == c else 0)
            pixels += bytes(min(255, max(0, int(random.gauss(base, 40)))) for _ in range(9 * 7))
    open(f"colours/{split}-images-idx4-ubyte", "wb").write(bytes([0, 0, 8, 4]) + struct.pack(">4I", n, 3, 9, 7) + pixels)
    open(f"colours/{split}-labels-idx1-ubyte", "wb").write(bytes([0, 0, 8, 1]) + struct.pack(">I", n) + bytes(i % 3 for i in range(n)))
END
n=0
while IFS= read -r model; do
    n=$((n + 1))
    "$fovea" train ./colours --model "$model" --epochs 4 --quiet --out "colour$n"
    "$run_logits" "colour$n" pixels logits >shape
    check "colour$n" "colour-float$n" '' ''
    check "colour$n" "colour-int$n" --int8 3
done <<'END'
conv 6 3x3 pad 1, relu, maxpool 2, dense classes
conv 6 3x3, relu, residual( conv 6 3x3 pad 1 ), relu, globalavgpool, dense classes
dense 8, relu, dense classes
END
[ $n -eq 3 ]

# Names that are no C.
model='a name that bites'
check run1 "3 d's net é" '' ''
"$fovea" export run1 --format c -o plain --quiet
[ -e plain.c ] && [ -e plain.h ] && [ -e plain_main.c ]
[ "$(./checked <pixels | head -1 | wc -w)" -eq 12 ]

# MNIST, where it is: the loss by 8 bits is below 0.2 points.
if [ -e "${FOVEA_DATA:-}/mnist" ]; then
    for model in convnet convnet-bn; do
        "$fovea" train mnist --model $model --epochs 2 --quiet --out mnist-$model
        "$run_logits" mnist-$model pixels logits >shape
        check mnist-$model float-$model '' ''
        check mnist-$model int-$model --int8 0.2
    done
fi
sort -u seen | tr '\n' ' '
echo compiled without a warning
