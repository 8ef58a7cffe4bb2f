#!/usr/bin/python3
"""Makes augment.golden with torchvision (Debian's python3-torchvision): make_augment.py [FOLDER]

Images, then what torchvision's functional transforms make of them at fixed parameters. Format as make_golden.py's:
records of one header line `<type> <name> <shape>` and raw little-endian bytes, type u8 or f32. Names:
    image/NAME
    OPERATION/IMAGE/MODE/P1/P2/P3/P4/P5      u8 where MODE is `exact`, else f32, in raw pixels

Parameters: rotate ANGLE; affine ANGLE RIGHT DOWN SCALE SHEAR; blur KERNEL SIGMA; crop PADDING TOP LEFT;
erase TOP LEFT HEIGHT WIDTH; hflip; vflip; rotate_vflip ANGLE; those left over are 0.

MODE says how the image is resampled: `exact` (nearest pixel, or none) or `bilinear`. Bilinear resampling is done with
fill=None, where torchvision means zeros outside; with fill=0 it multiplies the border by its weight twice.
"""
import pathlib
import sys

import numpy as np
import torch
import torchvision.transforms.functional as F
from torchvision.transforms import InterpolationMode as Mode

HERE = pathlib.Path(__file__).resolve().parent
MODES = {"exact": Mode.NEAREST, "bilinear": Mode.BILINEAR, "blur": None}


def images():
    """A smooth grey one with strokes, and a colour one of noise, which is the hardest to resample; not square."""
    rng = np.random.default_rng(20)
    i, j = np.mgrid[0:28, 0:28]
    grey = 120 * np.exp(-((i - 9) ** 2 + (j - 17) ** 2) / 40) + 200 * (np.abs(i - 0.6 * j - 4) < 2) + 2 * i
    grey = np.clip(grey + rng.normal(0, 6, grey.shape), 0, 255).astype(np.uint8)[None]
    colour = rng.integers(0, 256, (3, 17, 24), dtype=np.uint8)
    return {"grey": torch.from_numpy(grey), "colour": torch.from_numpy(colour)}


def transform(operation, x, mode, p):
    zeros = [0.0] if mode is Mode.NEAREST else None
    if operation == "rotate":
        return F.rotate(x, p[0], mode, fill=zeros)
    if operation == "affine":
        return F.affine(x, p[0], [int(p[1]), int(p[2])], p[3], [p[4], 0.0], mode, fill=zeros)
    if operation == "blur":
        return F.gaussian_blur(x, [int(p[0])] * 2, [p[1]] * 2)
    if operation == "crop":
        padded = F.pad(x, [int(p[0])] * 4)
        return F.crop(padded, int(p[1]), int(p[2]), x.shape[1], x.shape[2])
    if operation == "erase":
        return F.erase(x, *(int(q) for q in p[:4]), torch.zeros(x.shape[0], 1, 1, dtype=x.dtype))
    if operation == "rotate_vflip":
        return F.vflip(F.rotate(x, p[0], mode, fill=zeros))
    return {"hflip": F.hflip, "vflip": F.vflip}[operation](x)


def cases():
    for image in ("grey", "colour"):
        for mode in ("exact", "bilinear"):
            for angle in (0.0, 17.3, -123.4, 41.0, 179.2):
                yield "rotate", image, mode, [angle]
            yield "affine", image, mode, [9.5, 2, -3, 0.83, 0]
            yield "affine", image, mode, [-31.0, -4, 1, 1.37, 12.5]
            yield "affine", image, mode, [0, 0, 0, 0.61, 0]
            yield "affine", image, mode, [0, 5, 7, 1, -20]
        for kernel, sigma in ((3, 0.1), (3, 0.37), (3, 1.0), (3, 50.0), (5, 1.3), (9, 2.5), (17, 4.0)):
            yield "blur", image, "blur", [kernel, sigma]
        for operation in ("hflip", "vflip"):
            yield operation, image, "exact", []
        yield "rotate_vflip", image, "exact", [67.8]
        yield "crop", image, "exact", [4, 0, 8]
        yield "crop", image, "exact", [3, 5, 1]
        yield "erase", image, "exact", [2, 5, 9, 4]
    for angle in (90.0, 180.0, -90.0):
        yield "rotate", "grey", "exact", [angle]


def main():
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else HERE
    with open(folder / "augment.golden", "wb") as out:

        def record(name, values):
            kind = {np.dtype(np.uint8): "u8", np.dtype(np.float32): "f32"}[values.dtype]
            out.write(f"{kind} {name} {'x'.join(map(str, values.shape))}\n".encode() + values.tobytes())

        pictures = images()
        for name, x in pictures.items():
            record(f"image/{name}", x.numpy())
        for operation, image, mode, p in cases():
            p = p + [0] * (5 - len(p))
            x = pictures[image] if mode == "exact" else pictures[image].float()
            y = transform(operation, x, MODES[mode], p).contiguous().numpy()
            assert y.shape == tuple(x.shape) and (y.dtype == np.uint8) == (mode == "exact")
            record(f"{operation}/{image}/{mode}/{'/'.join(f'{q:g}' for q in p)}", y)


main()
