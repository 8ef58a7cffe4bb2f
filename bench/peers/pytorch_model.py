"""The project's model texts (docs/models.md) as PyTorch modules, with the same parameter names.

    net = build("conv 8 3x3, relu, maxpool 2, dense classes", (1, 28, 28), 10)

Layer i of the text is entry i of the nn.Sequential; the flatten that a dense layer implies has no entry of its own.
"""
import re

import torch
from torch import nn


class Dense(nn.Linear):
    def forward(self, x):
        return super().forward(x.flatten(1))


class Residual(nn.Module):
    def __init__(self, main, shortcut):
        super().__init__()
        self.main = main
        if shortcut is not None:
            self.shortcut = shortcut

    def forward(self, x):
        return self.main(x) + (self.shortcut(x) if hasattr(self, "shortcut") else x)


class Reader:
    def __init__(self, text, n_classes):
        self.words = re.findall(r"[,()|]|[^\s,()|]+", re.sub(r"#.*", "", text))
        self.at = 0
        self.n_classes = n_classes

    def peek(self):
        return self.words[self.at] if self.at < len(self.words) else None

    def take(self):
        self.at += 1
        return self.words[self.at - 1]

    def accept(self, word):
        if self.peek() != word:
            return False
        self.at += 1
        return True

    def arguments(self):
        """Words up to the next separator: positional ones in a list, `pad P` and `stride S` by name."""
        positional, named = [], {"pad": 0, "stride": 1}
        while self.peek() not in (None, ",", ")", "|"):
            word = self.take()
            if word in named:
                named[word] = int(self.take())
            else:
                positional.append(word)
        return positional, named

    def layers(self, shape):
        modules = []
        while True:
            module, shape = self.layer(shape)
            modules.append(module)
            if not self.accept(","):
                return nn.Sequential(*modules), shape

    def residual(self, shape):
        if not self.accept("("):
            raise ValueError("residual needs ( main ) or ( main | shortcut )")
        main, out = self.layers(shape)
        shortcut = self.layers(shape)[0] if self.accept("|") else None
        if not self.accept(")"):
            raise ValueError("residual lacks its closing parenthesis")
        return Residual(main, shortcut), out

    def layer(self, shape):
        word = self.take()
        if word == "residual":
            return self.residual(shape)
        positional, named = self.arguments()
        c = shape[0]
        if word == "conv":
            size = [int(s) for s in positional[1].split("x")]
            module = nn.Conv2d(c, int(positional[0]), (size[0], size[-1]), named["stride"], named["pad"])
        elif word == "maxpool":
            module = nn.MaxPool2d(int(positional[0]))
        elif word == "avgpool":
            module = nn.AvgPool2d(int(positional[0]))
        elif word == "globalavgpool":
            module = nn.AdaptiveAvgPool2d(1)
        elif word == "batchnorm":
            module = nn.BatchNorm2d(c) if len(shape) == 3 else nn.BatchNorm1d(c)
        elif word == "relu":
            module = nn.ReLU()
        elif word == "dropout":
            module = nn.Dropout(float(positional[0]) if positional else 0.5)
        elif word == "dropout2d":
            module = nn.Dropout2d(float(positional[0]) if positional else 0.5)
        elif word == "flatten":
            module = nn.Flatten()
        elif word == "dense":
            n_out = self.n_classes if positional[0] == "classes" else int(positional[0])
            module = Dense(int(torch.Size(shape).numel()), n_out)
        else:
            raise ValueError(f"unknown layer `{word}`")
        return module, output_shape(module, shape)


def output_shape(module, shape):
    with torch.no_grad():
        was_training = module.training
        out = module.eval()(torch.zeros(1, *shape)).shape[1:]
        module.train(was_training)
    return tuple(out)


def build(text, shape, n_classes):
    reader = Reader(text, n_classes)
    net, _ = reader.layers(tuple(shape))
    if reader.peek() is not None:
        raise ValueError(f"`{reader.peek()}` is one too many in the model's text")
    return net
