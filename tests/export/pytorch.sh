#!/bin/sh
# pytorch.sh FOVEA RUN_LOGITS: the lines that `fovea export` prints for a safetensors file, run by PyTorch as they are,
# give the run's logits for every named model and for texts with what is rare. Exits 77 without PyTorch.
set -eu
. "$(dirname "$0")/../scratch.sh"
run_logits=$2
$python -c 'import torch' 2>/dev/null || skip "python3-torch is not installed"
n=0
while IFS= read -r model; do
    n=$((n + 1))
    "$fovea" train digits --model "$model" --epochs 1 --quiet --out "run$n"
    "$fovea" export "run$n" -o "it's $n.safetensors" | sed '1,/^$/d' >"lines$n.py"
    lines=$(wc -l <"lines$n.py")
    [ "$lines" -ge 4 ] && [ "$lines" -le 5 ] || fail "$model: $lines lines: $(cat "lines$n.py")"
    "$run_logits" "run$n" pixels logits >shape
    cat "lines$n.py" - >program.py <<'END'
import sys
N, C, H, W, K = map(int, open("shape").read().split())
pixels = torch.frombuffer(bytearray(open("pixels", "rb").read()), dtype=torch.uint8).view(N, C, H, W)
ours = torch.frombuffer(bytearray(open("logits", "rb").read()), dtype=torch.float32).view(N, K)
with torch.no_grad():
    theirs = logits(pixels)
assert theirs.shape == ours.shape, theirs.shape
most = (ours - theirs).abs().max().item()
print(f"{sys.argv[1]}: logits differ by {most:.1e} at most")
assert most <= 1e-4 and (ours.argmax(1) == theirs.argmax(1)).all()
END
    $python -W error::UserWarning program.py "$model"
done <<'END'
convnet
convnet-nodropout
convnet-onedropout
convnet-bn
resnet-small
dense classes
conv 4 3x3 pad 1, relu, conv classes 1x1, globalavgpool, dropout 0.1
conv 6 5x3 stride 2 pad 2, batchnorm, avgpool 2, flatten, batchnorm, relu, dense 12, batchnorm, relu, dense classes
dense 16, relu, conv 8 1x1, relu, maxpool 1, residual( conv 8 1x1 ), dense classes
residual( conv 1 3x3 pad 1, relu ), maxpool 8, residual( dense 1 ), residual( conv 1 1x1 | dense 1 ), dense classes
END
[ $n -eq 10 ]
