#!/usr/bin/python3
"""Peer: an affine transform (bilinear) and a blur of 28x28 images by torchvision on one thread; prints one JSON line."""
import json
import time

import torch
import torchvision
from torchvision import transforms

N_IMAGES = 1000


def main():
    torch.set_num_threads(1)
    torch.manual_seed(1)
    images = torch.randint(0, 256, (N_IMAGES, 1, 28, 28), dtype=torch.uint8)
    change = transforms.Compose([
        transforms.RandomAffine(10, translate=(0.1, 0.1), interpolation=transforms.InterpolationMode.BILINEAR),
        transforms.GaussianBlur(3, (0.1, 1.0)),
    ])
    for image in images[:100]:
        change(image)
    start = time.perf_counter()
    for image in images:
        change(image)
    time_s = time.perf_counter() - start
    print(json.dumps({"peer": f"torchvision {torchvision.__version__}", "images_per_s": N_IMAGES / time_s}))


if __name__ == "__main__":
    main()
