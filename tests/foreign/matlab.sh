#!/bin/sh
# matlab.sh PROGRAM: SVHN's files as scipy saves them, in each way, against the same set as NumPy arrays: equal checksums.
set -eu
. "$(dirname "$0")/../scratch.sh"
"$python" -c 'import scipy.io' 2>/dev/null || skip 'no scipy (apt-get install python3-scipy)'
"$python" - <<'PYTHON'
import os
import numpy as np
from scipy.io import savemat

r = np.random.default_rng(1)
x = {s: r.integers(0, 256, (n, 3, 32, 32), dtype=np.uint8) for s, n in (("train", 40), ("test", 12))}
y = {s: r.permutation(len(x[s])) % 10 for s in x}
np.savez("set.npz", **{f"x_{s}": x[s] for s in x}, **{f"y_{s}": y[s] for s in x})
for name, kind, packed in (("plain", np.uint8, False), ("packed", np.uint8, True), ("double", float, True)):
    os.mkdir(name)
    for s in x:
        labels = np.where(y[s] == 0, 10, y[s]).astype(kind)[:, None]
        more = {"note": "a text", "cells": np.array([1, "a"], dtype=object), "struct": {"a": 1.5}}
        savemat(f"{name}/{s}_32x32.mat", {"X": x[s].transpose(2, 3, 1, 0), **more, "y": labels}, do_compression=packed)
PYTHON
sums() { "$fovea" data info "$1" --json | grep sha256; }
sums ./set.npz >expected
[ "$(wc -l <expected)" = 2 ]
for set in ./plain ./packed ./double; do
    sums "$set" | diff expected - ||
        fail "$set reads otherwise than the same set in NumPy's arrays"
done
