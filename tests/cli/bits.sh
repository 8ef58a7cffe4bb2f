#!/bin/sh
# bits.sh PROGRAM threads|generic|avx2|avx512|neon: short trainings give the same model.safetensors, byte for byte, on 1,
# 2, 3 and 7 threads, or with this instruction set and the best one of the machine. Exits 77 where it lacks the set.
set -u
. "$(dirname "$0")/../scratch.sh"
what=$2
unset FOVEA_ISA

residual="conv 8 3x3 pad 1, batchnorm, relu, residual( conv 12 3x3 pad 1 stride 2, batchnorm, relu, conv 12 3x3 pad 1
| conv 12 1x1 stride 2, batchnorm ), relu, avgpool 2, dropout 0.2, dense 33, relu, dense classes"

train() { # name threads
    "$fovea" train digits --epochs 2 --threads "$2" --quiet --model "conv 9 3x3 pad 1, relu, maxpool 2, dropout2d 0.5,
        conv 17 5x5 pad 2, relu, maxpool 2, dense 64, relu, dense classes" --out "$1-conv" &&
        "$fovea" train digits --epochs 2 --threads "$2" --quiet --model convnet-bn --augment mild --batch 100 \
            --out "$1-mild" &&
        "$fovea" train digits --epochs 2 --threads "$2" --quiet --model "$residual" --optimizer "adamw" --ema 0.99 \
            --label-smoothing 0.1 --schedule onecycle --augment "affine degrees 10 translate 0.1, erasing, hflip" \
            --out "$1-residual"
}

compare() { # name name
    for model in conv mild residual; do
        for file in model.safetensors predictions-validation.csv; do
            cmp "$1-$model/$file" "$2-$model/$file" || exit 1
        done
    done
}

case $what in
threads)
    for threads in 1 2 3 7; do
        train $threads $threads || exit 1
        compare 1 $threads
    done
    ;;
*)
    FOVEA_ISA=$what "$fovea" version >version 2>why || {
        cat why
        exit 77
    }
    best=$("$fovea" version | sed -n 's/^engine *\([a-z0-9]*\),.*/\1/p')
    [ "$what" != "$best" ] || best=generic
    [ "$what" != "$best" ] || exit 77 # a machine with nothing but generic
    echo "$what against $best"
    export FOVEA_ISA="$what"
    train one 2 || exit 1
    export FOVEA_ISA="$best"
    train other 2 || exit 1
    compare one other
    ;;
esac
# Another seed gives other weights: the comparison can tell.
unset FOVEA_ISA
"$fovea" train digits --epochs 2 --seed 2 --quiet --model convnet-bn --augment mild --batch 100 --out seed || exit 1
for one in 1-mild one-mild; do
    [ ! -d $one ] || ! cmp -s $one/model.safetensors seed/model.safetensors || exit 1
done
