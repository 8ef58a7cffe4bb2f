#!/bin/sh
# import.sh FOVEA SOURCE: weights that PyTorch makes are evaluated and trained on by `fovea eval FILE DATA --model TEXT` and
# `fovea train --init FILE`; loss and accuracy are PyTorch's. Exits 77 without PyTorch.
set -eu
. "$(dirname "$0")/../scratch.sh"
source=$2
$python -c 'import torch' 2>/dev/null || skip "python3-torch is not installed"
cat >make.py <<'END'
"""make.py TEXT MEAN STD: model.safetensors of random weights, and PyTorch's loss and right answers on test images."""
import gzip, json, struct, sys
import torch
from pytorch_model import build

text, mean, std = sys.argv[1], float(sys.argv[2]), float(sys.argv[3])
torch.manual_seed(3)

def idx(name, rank):
    data = open(f"set/{name}", "rb").read()
    return torch.tensor(list(data[4 + 4 * rank:]), dtype=torch.uint8).view(*struct.unpack(f">{rank}I", data[4:4 + 4 * rank]))

images, labels = idx("t10k-images-idx3-ubyte", 3), idx("t10k-labels-idx1-ubyte", 1).long()
net = build(text, (1, 12, 10), 5)
for name, value in net.state_dict().items():
    if "running_mean" in name: value.uniform_(-0.1, 0.1)
    if "running_var" in name: value.uniform_(0.05, 0.2)
header, data = {"__metadata__": {"format": "pt"}}, b""
for name, value in net.state_dict().items():
    raw = value.numpy().tobytes()
    kind = {torch.float32: "F32", torch.int64: "I64"}[value.dtype]
    header[name] = {"dtype": kind, "shape": list(value.shape), "data_offsets": [len(data), len(data) + len(raw)]}
    data += raw
raw = json.dumps(header).encode()
open("model.safetensors", "wb").write(struct.pack("<Q", len(raw)) + raw + data)
net.eval()
with torch.no_grad():
    logits = net((images[:, None] / 255 - mean) / std)
print(json.dumps({"loss": torch.nn.functional.cross_entropy(logits, labels).item(),
                  "correct": int((logits.argmax(1) == labels).sum())}))
END
cat >set.py <<'END'
import os, random, struct
random.seed(5)
os.mkdir("set")
for split, n in (("train", 60), ("t10k", 40)):
    pixels = bytes(random.randrange(256) for _ in range(n * 120))
    open(f"set/{split}-images-idx3-ubyte", "wb").write(bytes([0, 0, 8, 3]) + struct.pack(">3I", n, 12, 10) + pixels)
    open(f"set/{split}-labels-idx1-ubyte", "wb").write(bytes([0, 0, 8, 1]) + struct.pack(">I", n) + bytes(i % 5 for i in range(n)))
END
$python set.py
n=0
while IFS= read -r model; do
    PYTHONPATH=$source/bench/peers $python make.py "$model" 0.25 0.5 >theirs
    "$fovea" eval model.safetensors ./set --model "$model" --normalise "0.25 0.5" --json >ours
    $python - "$model" <<'END'
import json, sys
ours, theirs = json.load(open("ours")), json.load(open("theirs"))
print(sys.argv[1], ours["loss"], theirs["loss"], ours["correct"], theirs["correct"])
assert abs(ours["loss"] - theirs["loss"]) < 1e-5 * theirs["loss"] and ours["correct"] == theirs["correct"]
END
    n=$((n + 1))
    # A training of next to no steps leaves the weights where the file had them.
    "$fovea" train ./set --init model.safetensors --model "$model" --epochs 1 --optimizer sgd --learning-rate 1e-30 \
        --validation 0 --quiet --out "run$n"
    $python - "run$n" <<'END'
import json, sys, torch
def read(path):
    b = bytearray(open(path, "rb").read()); n = 8 + int.from_bytes(b[:8], "little"); h = json.loads(b[8:n])
    return {k: torch.frombuffer(b[n + v["data_offsets"][0]:n + v["data_offsets"][1]], dtype=torch.float32)
            for k, v in h.items() if v.get("dtype") == "F32"}
a, b = read("model.safetensors"), read(sys.argv[1] + "/model.safetensors")
same = [k for k in b if "running" not in k]
assert same and all((a[k] - b[k]).abs().max() < 1e-20 for k in same)
assert json.load(open(sys.argv[1] + "/run.json"))["config"]["init"] == "model.safetensors"
END
done <<'END'
conv 4 3x3, batchnorm, relu, maxpool 2, dense 16, relu, dense classes
conv 4 3x3 pad 1, relu, residual( conv 4 3x3 pad 1, batchnorm | conv 4 1x1 ), relu, globalavgpool, dense classes
END
[ $n -eq 2 ]
