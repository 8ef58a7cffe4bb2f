#!/bin/sh
# numpy.sh PROGRAM: sets that NumPy saves, in each way, against the same set as IDX files: equal checksums.
set -eu
. "$(dirname "$0")/../scratch.sh"
"$python" -c 'import numpy' 2>/dev/null || skip 'no numpy (apt-get install python3-numpy)'
"$python" - <<'PYTHON'
import os
import numpy as np

r = np.random.default_rng(1)
x = {s: r.integers(0, 256, (n, 9, 7, 3), dtype=np.uint8) for s, n in (("train", 40), ("test", 12))}
y = {s: r.integers(0, 5, len(x[s])) for s in x}


def idx(path, kind, array):
    head = bytes([0, 0, kind, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    open(path, "wb").write(head + np.ascontiguousarray(array).tobytes())


os.mkdir("idx")
for s, n in (("train", "train"), ("test", "t10k")):
    idx(f"idx/{n}-images-idx4-ubyte", 8, x[s].transpose(0, 3, 1, 2))
    idx(f"idx/{n}-labels-idx1-ubyte", 8, y[s].astype(np.uint8))
column = {f"{s}_labels": y[s].astype(np.uint8)[:, None] for s in x}
np.savez("medmnist.npz", **{f"{s}_images": x[s] for s in x}, **column)
np.savez_compressed("packed.npz", x_train=x["train"], y_train=y["train"], x_test=x["test"], y_test=y["test"])
os.mkdir("pairs")
for s in x:
    np.save(f"pairs/x_{s}.npy", x[s].transpose(0, 3, 1, 2))
    np.save(f"pairs/y_{s}.npy", y[s].astype(">i4"))
os.mkdir("version2")
for s in x:
    for name, array in (("images", x[s]), ("labels", y[s])):
        with open(f"version2/{s}_{name}.npy", "wb") as f:
            np.lib.format.write_array(f, array, version=(2, 0))
PYTHON
sums() { "$fovea" data info "$1" --json | grep sha256; }
sums ./idx >expected
[ "$(wc -l <expected)" = 2 ]
for set in ./medmnist.npz ./packed.npz ./pairs ./version2; do
    sums "$set" | diff expected - ||
        fail "$set reads otherwise than the same set in IDX files"
done
