#!/usr/bin/python3
"""Makes loss.golden with PyTorch: the gradients of CrossEntropyLoss with class weights, by label smoothing and with
mixed images as probability targets, in double precision. make_loss.py [FOLDER]

Records as in make_golden.py. `weights` [K]; `logits` [N][K]; `labels`, `partners` [N] (partners within sixteen images);
`shares` [N]; and of each case i: `i/smoothing`, `i/mixes` (0, 1), `i/gradient` [N][K], the mean's.
"""
import pathlib
import sys

import numpy as np
import torch
import torch.nn.functional as F

from make_golden import HERE, f32_record, record

N, K, LANES = 40, 7, 16
CASES = [(0.0, 0), (0.1, 0), (0.0, 1), (0.25, 1)]


def partners():
    """The neighbour in the same block, the first one's the last."""
    return np.array([i - 1 if i % LANES else min(i + LANES, N) - 1 for i in range(N)])


def gradient(logits, labels, shares, weights, smoothing, mixes):
    z = torch.tensor(logits, dtype=torch.float64, requires_grad=True)
    target = torch.from_numpy(labels).long()
    if mixes:
        share = torch.from_numpy(shares.astype(np.float64)).view(-1, 1)
        own, other = F.one_hot(target, K).double(), F.one_hot(target[partners()], K).double()
        target = share * own + (1 - share) * other
    weight = torch.from_numpy(weights.astype(np.float64))
    F.cross_entropy(z, target, weight=weight, label_smoothing=smoothing).backward()
    return z.grad.numpy()


def main():
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else HERE
    random = np.random.RandomState(1)
    logits = random.uniform(-4, 4, (N, K)).astype(np.float32)
    labels = random.randint(0, K, N).astype(np.uint8)
    shares = random.beta(0.5, 0.5, N).astype(np.float32)
    weights = random.uniform(0.2, 5, K).astype(np.float32)
    with open(folder / "loss.golden", "wb") as file:
        f32_record(file, "weights", weights)
        f32_record(file, "logits", logits)
        record(file, "u8", "labels", labels)
        record(file, "u8", "partners", partners().astype(np.uint8))
        f32_record(file, "shares", shares)
        for i, (smoothing, mixes) in enumerate(CASES):
            f32_record(file, f"{i}/smoothing", [smoothing])
            f32_record(file, f"{i}/mixes", [mixes])
            f32_record(file, f"{i}/gradient", gradient(logits, labels, shares, weights, smoothing, mixes))


if __name__ == "__main__":
    main()
