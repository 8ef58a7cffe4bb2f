#!/usr/bin/python3
"""Makes the PNG files of this folder: one handwritten 3 of scikit-learn's digits in every kind that a PNG can have.

Needs Debian's python3-sklearn and python3-pil. The values that test_png_read.c holds against are computed there.
"""
import struct
import zlib

import numpy
from PIL import Image
from sklearn.datasets import load_digits

digits = load_digits()
small = (digits.images[13] * 255 / 16).round().astype(numpy.uint8)  # 8x8, light on dark
assert digits.target[13] == 3

grey = Image.fromarray(small, "L")
grey.save("grey.png")
grey.convert("RGB").save("colour.png")
grey.resize((80, 80), Image.Resampling.NEAREST).save("large.png")
grey.resize((4, 4), Image.Resampling.BOX).save("tiny.png")
Image.fromarray(255 - small, "L").save("inverted.png")
Image.fromarray(small.astype(numpy.uint16) * 257).save("sixteen.png")  # mode I;16
palette = Image.fromarray(small, "L").quantize(16)
palette.save("palette.png")
# White whose opacity is the digit: over black it is the digit.
alpha = numpy.dstack([numpy.full_like(small, 255)] * 3 + [small])
Image.fromarray(alpha, "RGBA").save("alpha.png")
Image.fromarray(small > 127).save("one-bit.png")
# Red, green, blue and white, a pixel each, for the conversion to grey.
Image.fromarray(numpy.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [255, 255, 255]]], numpy.uint8)).save("rgbw.png")
# Wider than high.
ramp = numpy.tile(numpy.arange(0, 256, 16, dtype=numpy.uint8), (4, 1))
Image.fromarray(ramp, "L").save("ramp.png")
with open("grey.png", "rb") as f:
    whole = f.read()
with open("cut.png", "wb") as f:
    f.write(whole[:-30])
with open("flipped.png", "wb") as f:  # a bit of the compressed pixels
    at = whole.index(b"IDAT") + 12
    f.write(whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1:])


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(name, width, height, interlace, rows):
    with open(name, "wb") as f:
        f.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, interlace))
                + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


# Interlaced: the seven passes of Adam7, each row behind its filter byte (0: none).
passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
png("interlaced.png", 8, 8, 1,
    b"".join(b"\0" + row.tobytes() for y, x, dy, dx in passes for row in small[y::dy, x::dx]))
# A header that promises 60000 x 60000 pixels.
png("huge.png", 60000, 60000, 0, b"\0")
