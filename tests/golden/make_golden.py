#!/usr/bin/python3
"""Makes the golden files of this folder with PyTorch (Debian's python3-torch): make_golden.py [FOLDER]

Each file holds, for one net: its text, 40 images (at 16 a block the last one is short) with labels, first weights, and
what PyTorch makes of them: logits in evaluation, loss and every gradient in training, and for three optimisers the
losses of ten steps on that batch, the weights behind them and the logits in evaluation that these give.

All of it is computed in double precision from float32 weights, so what differs from it is the tester's rounding alone.
`error/...` says, per value, how far PyTorch's own float32 lies from its double: the measure of what float32 can do.

Format: records of one header line `<type> <name> <shape>` and its raw little-endian bytes; types u8, f32, text.
"""
import copy
import pathlib
import sys

import numpy as np
import torch
import torch.nn.functional as F

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "bench" / "peers"))
from pytorch_model import build  # noqa: E402

N_IMAGES, N_STEPS = 40, 10

USUAL_OPTIMISERS = [
    ("adadelta", 1.0, 0.0),
    ("sgd momentum 0.9", 0.05, 0.0),
    ("adamw weight_decay 0.01", 0.001, 0.0),
]

# name: text, input shape, classes, optimisers (text, learning rate, label smoothing)
NETS = {
    "convnet": (
        "conv 8 3x3, relu, maxpool 2, conv 8 3x3, relu, maxpool 2, dense 64, relu, dense classes",
        (1, 28, 28), 10, USUAL_OPTIMISERS,
    ),
    "convnet-bn": (
        "conv 8 3x3, batchnorm, relu, maxpool 2, conv 8 3x3, batchnorm, relu, maxpool 2, dense 64, relu, dense classes",
        (1, 28, 28), 10, USUAL_OPTIMISERS,
    ),
    "residual": (
        "conv 8 3x3 pad 1, batchnorm, relu,"
        " residual( conv 8 3x3 pad 1, batchnorm, relu, conv 8 3x3 pad 1, batchnorm ), relu,"
        " residual( conv 12 3x3 pad 1 stride 2, batchnorm, relu, conv 12 3x3 pad 1, batchnorm"
        " | conv 12 1x1 stride 2, batchnorm ), relu, globalavgpool, dense classes",
        (3, 12, 10), 10, USUAL_OPTIMISERS,
    ),
    "layers": (
        "conv 6 5x3 stride 2 pad 2, relu, avgpool 2, conv 10 3x3 pad 1, relu, residual( conv 10 1x1, relu ),"
        " maxpool 3, flatten, dense 20, relu, dense 17, dense classes",
        (2, 29, 27), 5,
        [
            ("sgd momentum 0.9 nesterov weight_decay 0.001", 0.05, 0.0),
            ("adam weight_decay 0.001", 0.001, 0.1),
            ("sgd momentum 0", 0.1, 0.1),
        ],
    ),
}


def make_images(random, shape):
    """Smooth blobs on a background of zeros, as scanned digits have it."""
    noise = random.rand(N_IMAGES, *shape)
    for axis in (2, 3):
        noise = sum(np.roll(noise, shift, axis) for shift in range(-1, 2)) / 3
    return np.clip((noise - 0.45) * 1200, 0, 255).astype(np.uint8)


def make_weights(random, net):
    """PyTorch's first weights; those of batch norm, which would be 0 and 1, vary so that a mistake shows."""
    for name, tensor in tensors(net).items():
        owner = net.get_submodule(name.rpartition(".")[0])
        if isinstance(owner, (torch.nn.BatchNorm1d, torch.nn.BatchNorm2d)):
            around = 1.0 if name.endswith(("weight", "running_var")) else 0.0
            tensor.copy_(torch.from_numpy(around + random.uniform(-0.3, 0.3, tensor.shape)).float())


def tensors(net):
    return {name: t.data for name, t in net.state_dict(keep_vars=True).items() if "num_batches" not in name}


def make_optimizer(text, learning_rate, net):
    words = text.split()
    options = {name: float(words[words.index(name) + 1]) for name in ("momentum", "weight_decay") if name in words}
    if "nesterov" in words:
        options["nesterov"] = True
    kind = {"adadelta": "Adadelta", "sgd": "SGD", "adam": "Adam", "adamw": "AdamW"}[words[0]]
    return getattr(torch.optim, kind)(net.parameters(), lr=learning_rate, **options)


def evaluate(net, x):
    with torch.no_grad():
        logits = net.eval()(x)
    net.train()
    return logits


def normalise(pixels, mean, std):
    shape = (1, -1, 1, 1)
    return (torch.from_numpy(pixels).double() / 255 - mean.double().view(shape)) / std.double().view(shape)


def compute(first, dtype, x, labels, optimisers):
    """What PyTorch says of one net, in one precision, by the records' names; and the trained nets."""
    x, y = x.to(dtype), torch.from_numpy(labels).long()
    net, trained = copy.deepcopy(first).to(dtype), []
    out = {"logits": evaluate(net, x)}
    loss = F.cross_entropy(net(x), y)
    loss.backward()
    out["loss"] = loss.detach().view(1)
    for name, weight in net.named_parameters():
        out[f"gradient/{name}"] = weight.grad
    for i, (text, learning_rate, smoothing) in enumerate(optimisers):
        net = copy.deepcopy(first).to(dtype)
        optimizer = make_optimizer(text, learning_rate, net)
        losses = []
        for _ in range(N_STEPS):
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x), y, label_smoothing=smoothing)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        out[f"{i}/losses"] = torch.tensor(losses, dtype=dtype)
        for name, tensor in tensors(net).items():
            out[f"{i}/{name}"] = tensor
        trained.append(net)
    return {name: value.double().numpy() for name, value in out.items()}, trained


def record(file, kind, name, array):
    shape = "x".join(str(size) for size in array.shape)
    file.write(f"{kind} {name} {shape}\n".encode() + array.tobytes())


def text_record(file, name, text):
    record(file, "text", name, np.frombuffer(text.encode(), np.uint8))


def f32_record(file, name, values):
    record(file, "f32", name, np.asarray(values, "<f4"))


def write_net(path, seed, text, shape, n_classes, optimisers):
    random = np.random.RandomState(seed)
    torch.manual_seed(seed)
    pixels, labels = make_images(random, shape), random.randint(0, n_classes, N_IMAGES).astype(np.uint8)
    mean, std = torch.linspace(0.25, 0.35, shape[0]), torch.linspace(0.35, 0.3, shape[0])
    first = build(text, shape, n_classes)
    make_weights(random, first)
    x = normalise(pixels, mean, std)
    exact, trained = compute(first, torch.float64, x, labels, optimisers)
    single, _ = compute(first, torch.float32, x, labels, optimisers)
    for i, net in enumerate(trained):
        exact[f"{i}/logits"] = evaluate(net, x).numpy()
        single[f"{i}/logits"] = evaluate(net.float(), x.float()).double().numpy()
    with open(path, "wb") as file:
        text_record(file, "model", text)
        record(file, "u8", "images", pixels)
        record(file, "u8", "labels", labels)
        f32_record(file, "mean", mean)
        f32_record(file, "std", std)
        for name, tensor in tensors(first).items():
            f32_record(file, f"first/{name}", tensor.numpy())
        for i, (optimizer, learning_rate, smoothing) in enumerate(optimisers):
            text_record(file, f"{i}/optimizer", optimizer)
            f32_record(file, f"{i}/options", [learning_rate, smoothing])
        for name, values in exact.items():
            f32_record(file, name, values)
            f32_record(file, f"error/{name}", [np.abs(values - single[name]).max()])
    print(f"{path.name}: {path.stat().st_size} bytes")


def main():
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else HERE
    torch.set_num_threads(1)
    for seed, (name, net) in enumerate(NETS.items(), 1):
        write_net(folder / f"{name}.golden", seed, *net)


if __name__ == "__main__":
    main()
