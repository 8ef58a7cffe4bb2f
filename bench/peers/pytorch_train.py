#!/usr/bin/python3
"""Peer: trains a model's text with PyTorch on the CPU and prints one JSON line per epoch.

    pytorch_train.py DATA_DIR [--model NAME|TEXT] [--mode tensor|loader] [--threads 2] [--epochs 10] [--seed 1]

DATA_DIR holds the four IDX files of MNIST's names, gzipped. NAME is one of models/*.net. `tensor` keeps the normalised
training set in one float tensor, which is the fastest way to feed PyTorch; `loader` is what most people write: Dataset,
transforms, DataLoader. Recipe: Adadelta, learning rate 1, times 0.7 per epoch, batch 64, no augmentation. `time_s` is of
training alone.
"""
import argparse
import gzip
import json
import pathlib
import sys
import time

import numpy as np
import torch
from torch import nn

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from pytorch_model import build  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("--model", default="convnet")
    parser.add_argument("--mode", choices=("tensor", "loader"), default="tensor")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--train-size", type=int, default=51005, help="images used of the training split")
    return parser.parse_args()


def read_idx(path):
    data = gzip.decompress(path.read_bytes())
    rank = data[3]
    shape = np.frombuffer(data, ">u4", rank, 4).astype(int)
    return torch.from_numpy(np.frombuffer(data, np.uint8, offset=4 + 4 * rank).reshape(shape).copy())


def read_split(folder, split):
    images = read_idx(folder / f"{split}-images-idx3-ubyte.gz").unsqueeze(1)
    return images, read_idx(folder / f"{split}-labels-idx1-ubyte.gz").long()


class LoadedImages(torch.utils.data.Dataset):
    """Images through PIL and torchvision's transforms, as tutorials write it."""

    def __init__(self, images, labels, mean, std):
        from PIL import Image
        from torchvision import transforms

        self.to_image = lambda pixels: Image.fromarray(pixels.numpy(), mode="L")
        self.transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((mean,), (std,))])
        self.images, self.labels = images, labels

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        return self.transform(self.to_image(self.images[i, 0])), int(self.labels[i])


def batches_of(arguments, images, labels, mean, std):
    """A function that gives one epoch's batches in a new order."""
    if arguments.mode == "loader":
        loader = torch.utils.data.DataLoader(LoadedImages(images, labels, mean, std), arguments.batch, shuffle=True)
        return lambda: loader
    x = (images.float() / 255 - mean) / std

    def epoch():
        order = torch.randperm(len(x))
        for part in order.split(arguments.batch):
            yield x[part], labels[part]

    return epoch


def count_correct(net, images, labels, mean, std):
    net.eval()
    with torch.no_grad():
        parts = zip(images.split(1000), labels.split(1000))
        return sum((net((x.float() / 255 - mean) / std).argmax(1) == y).sum().item() for x, y in parts)


def main():
    arguments = parse_arguments()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(arguments.seed)
    images, labels = read_split(arguments.data, "train")
    test_images, test_labels = read_split(arguments.data, "t10k")
    chosen = torch.randperm(len(images))[: arguments.train_size]
    images, labels = images[chosen], labels[chosen]
    mean, std = (images.float() / 255).mean().item(), (images.float() / 255).std(unbiased=False).item()

    named = ROOT / "models" / f"{arguments.model}.net"
    text = named.read_text() if named.exists() else arguments.model
    net = build(text, images.shape[1:], int(labels.max()) + 1)
    loss_of = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adadelta(net.parameters(), lr=1.0)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 1, 0.7)
    epoch_batches = batches_of(arguments, images, labels, mean, std)
    for epoch in range(1, arguments.epochs + 1):
        net.train()
        start = time.perf_counter()
        for x, y in epoch_batches():
            optimizer.zero_grad()
            loss_of(net(x), y).backward()
            optimizer.step()
        time_s = time.perf_counter() - start
        schedule.step()
        row = {
            "peer": f"pytorch {torch.__version__}",
            "model": arguments.model,
            "mode": arguments.mode,
            "threads": arguments.threads,
            "seed": arguments.seed,
            "epoch": epoch,
            "time_s": round(time_s, 4),
            "images_per_s": round(len(images) / time_s, 1),
            "test_correct": count_correct(net, test_images, test_labels, mean, std),
            "test_total": len(test_images),
        }
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
