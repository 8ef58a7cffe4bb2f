#!/usr/bin/python3
"""Makes augment.golden with torchvision (Debian's python3-torchvision): make_augment.py [FOLDER]

Images, then what torchvision's functional transforms make of them at fixed parameters. Format as make_golden.py's:
records of one header line `<type> <name> <shape>` and raw little-endian bytes, type u8 or f32. Names:
    image/NAME
    OPERATION/IMAGE/MODE/P1/P2/P3/P4/P5      u8 where MODE is `exact`, else f32, in raw pixels

    noise/IMAGE                              f32, the normal numbers of `noise`
    field/IMAGE/dx, field/IMAGE/dy           f32, the displacements of `elastic`, in pixels

Parameters: rotate ANGLE; affine ANGLE RIGHT DOWN SCALE SHEAR; blur KERNEL SIGMA; crop PADDING TOP LEFT;
erase TOP LEFT HEIGHT WIDTH; hflip; vflip; rotate_vflip ANGLE; translate RIGHT DOWN; scale S; shear DEGREES;
resized_crop TOP LEFT HEIGHT WIDTH; perspective CORNERS (which of CORNERS below); elastic; brightness, contrast,
saturation, hue, sharpness FACTOR; posterize BITS; solarize THRESHOLD; invert, equalize, autocontrast; noise SIGMA;
median KERNEL; motion KERNEL DEGREES; policy INDEX MAGNITUDE (of torchvision's _apply_op); those left over are 0.

MODE says how the image is resampled: `exact` (nearest pixel, or none), `bilinear`, or `blur` (filtered). Bilinear resampling is done with
fill=None, where torchvision means zeros outside; with fill=0 it multiplies the border by its weight twice.

torchvision 0.14 has no gaussian noise, which is written out here as its v2.functional has it for uint8 images;
median and motion are Albumentations' definitions by way of scipy.
"""
import pathlib
import sys

import numpy as np
import scipy.ndimage
import torch
import torchvision.transforms.functional as F
from torchvision.transforms import InterpolationMode as Mode
from torchvision.transforms.autoaugment import _apply_op

HERE = pathlib.Path(__file__).resolve().parent
MODES = {"exact": Mode.NEAREST, "bilinear": Mode.BILINEAR, "blur": None}
# How far the corners top-left, top-right, bottom-right, bottom-left move inwards, x and y.
CORNERS = [[(0, 0), (0, 0), (0, 0), (0, 0)], [(3, 1), (0, 5), (2, 2), (6, 0)], [(5, 4), (5, 0), (0, 3), (1, 7)]]
POLICY = ("Identity ShearX ShearY TranslateX TranslateY Rotate Brightness Color Contrast Sharpness Posterize Solarize "
          "AutoContrast Equalize").split()


def images():
    """A smooth grey one with strokes, and a colour one of noise, which is the hardest to resample; not square."""
    rng = np.random.default_rng(20)
    i, j = np.mgrid[0:28, 0:28]
    grey = 120 * np.exp(-((i - 9) ** 2 + (j - 17) ** 2) / 40) + 200 * (np.abs(i - 0.6 * j - 4) < 2) + 2 * i
    grey = np.clip(grey + rng.normal(0, 6, grey.shape), 0, 255).astype(np.uint8)[None]
    colour = rng.integers(0, 256, (3, 17, 24), dtype=np.uint8)
    return {"grey": torch.from_numpy(grey), "colour": torch.from_numpy(colour)}


def field(x):
    """Smooth displacements as ElasticTransform draws them, in its units: 2 / side of a pixel."""
    h, w = x.shape[1:]
    torch.manual_seed(4)
    noise = torch.rand(2, h, w) * 2 - 1
    smooth = F.gaussian_blur(noise, [17, 17], [2.0, 2.0])
    return torch.stack([smooth[0] * 40 / h, smooth[1] * 40 / w], -1)[None]


def noise(x):
    torch.manual_seed(5)
    return torch.randn(x.shape)


def motion(x, kernel, degrees):
    radius, turn = kernel // 2, np.deg2rad(degrees)
    t = np.linspace(-radius, radius, 2 * kernel)
    line = np.zeros((kernel, kernel))
    line[radius + np.round(np.sin(turn) * t).astype(int), radius + np.round(np.cos(turn) * t).astype(int)] = 1
    planes = [scipy.ndimage.correlate(plane, line / line.sum(), mode="mirror") for plane in x.double().numpy()]
    return torch.from_numpy(np.stack(planes)).float()


def perspective(x, mode, which):
    h, w = x.shape[1:]
    corners = [[0, 0], [w - 1, 0], [w - 1, h - 1], [0, h - 1]]
    moved = [[cx + mx if cx == 0 else cx - mx, cy + my if cy == 0 else cy - my]
             for (cx, cy), (mx, my) in zip(corners, CORNERS[which])]
    return F.perspective(x, corners, moved, mode, fill=None)


def change_levels(operation, x, p):
    if operation in ("invert", "equalize", "autocontrast"):
        return getattr(F, operation)(x)
    if operation == "posterize":
        return F.posterize(x, int(p[0]))
    if operation == "solarize":
        return F.solarize(x, p[0])
    if operation == "noise":
        return (x.short() + (noise(x) * p[0] * 255).short()).clamp(0, 255).byte()
    if operation == "policy":
        return _apply_op(x, POLICY[int(p[0])], p[1], Mode.NEAREST, [0.0])
    return getattr(F, "adjust_" + operation)(x, p[0])


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
    if operation == "translate":
        return F.affine(x, 0, [int(p[0]), int(p[1])], 1, [0.0, 0.0], mode, fill=zeros)
    if operation == "scale":
        return F.affine(x, 0, [0, 0], p[0], [0.0, 0.0], mode, fill=zeros)
    if operation == "shear":
        return F.affine(x, 0, [0, 0], 1, [p[0], 0.0], mode, fill=zeros)
    if operation == "resized_crop":
        return F.resized_crop(x, *(int(q) for q in p[:4]), list(x.shape[1:]), mode)
    if operation == "perspective":
        return perspective(x, mode, int(p[0]))
    if operation == "elastic":
        return F.elastic_transform(x, field(x), mode, fill=None)
    if operation == "median":
        return torch.from_numpy(scipy.ndimage.median_filter(x.numpy(), (1, int(p[0]), int(p[0])), mode="nearest"))
    if operation == "motion":
        return motion(x, int(p[0]), p[1])
    if operation not in ("hflip", "vflip"):
        return change_levels(operation, x, p)
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
        yield from more_cases(image)
    for angle in (90.0, 180.0, -90.0):
        yield "rotate", "grey", "exact", [angle]
    for index, (largest, signed) in enumerate([(0, 0), (0.99, 1), (0.99, 1), (32, 1), (32, 1), (135, 1), (0.99, 1),
                                               (0.99, 1), (0.99, 1), (0.99, 1), (3, 0), (85, 0), (0, 0), (0, 0)]):
        for magnitude in sorted({round(largest * share, 3) for share in ((0.37, -0.61, 1) if signed else (1,))}):
            yield "policy", "colour", "exact", [index, magnitude]


def more_cases(image):
    for mode in ("exact", "bilinear"):
        yield "translate", image, mode, [3, -5]
        yield "scale", image, mode, [1.27]
        yield "shear", image, mode, [-17.5]
    yield "resized_crop", image, "bilinear", [2, 3, 9, 14]
    yield "resized_crop", image, "bilinear", [0, 1, 17, 20]
    yield "resized_crop", image, "bilinear", [6, 5, 1, 2]
    for which in range(len(CORNERS)):
        yield "perspective", image, "bilinear", [which]
    yield "elastic", image, "bilinear", []
    for operation, factors in (("brightness", (0.0, 0.37, 1.9)), ("contrast", (0.0, 0.55, 1.71)),
                               ("saturation", (0.0, 0.45, 1.83)), ("hue", (-0.5, -0.13, 0.21, 0.0)),
                               ("sharpness", (0.0, 0.6, 2.7)), ("posterize", (0, 1, 3, 8)),
                               ("solarize", (0, 127.5, 128, 255)), ("noise", (0.08, 0.5))):
        for factor in factors:
            yield operation, image, "exact", [factor]
    for operation in ("invert", "equalize", "autocontrast"):
        yield operation, image, "exact", []
    for kernel in (3, 5, 7, 11):
        yield "median", image, "exact", [kernel]
    for kernel, degrees in ((3, 0), (3, 135), (5, 90), (7, 20), (9, 211.5), (13, 300)):
        yield "motion", image, "blur", [kernel, degrees]


def main():
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else HERE
    with open(folder / "augment.golden", "wb") as out:

        def record(name, values):
            kind = {np.dtype(np.uint8): "u8", np.dtype(np.float32): "f32"}[values.dtype]
            out.write(f"{kind} {name} {'x'.join(map(str, values.shape))}\n".encode() + values.tobytes())

        pictures = images()
        for name, x in pictures.items():
            h, w = x.shape[1:]
            displacements = field(x)[0].numpy()
            record(f"image/{name}", x.numpy())
            record(f"field/{name}/dx", np.ascontiguousarray(displacements[..., 0] * np.float32(w / 2)))
            record(f"field/{name}/dy", np.ascontiguousarray(displacements[..., 1] * np.float32(h / 2)))
            record(f"noise/{name}", noise(x).numpy())
        for operation, image, mode, p in cases():
            p = p + [0] * (5 - len(p))
            x = pictures[image] if mode == "exact" else pictures[image].float()
            y = transform(operation, x, MODES[mode], p).contiguous().numpy()
            assert y.shape == tuple(x.shape) and (y.dtype == np.uint8) == (mode == "exact")
            record(f"{operation}/{image}/{mode}/{'/'.join(f'{q:g}' for q in p)}", y)


main()
