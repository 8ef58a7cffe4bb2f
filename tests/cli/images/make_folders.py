#!/usr/bin/python3
"""Folders of images for the tests, written by Pillow: make_folders.py KIND DIRECTORY.

  shapes   two classes (bars, rings), 40 training and 10 test images each, in every format there is
  plain    three classes 1, 2, 10 without splits, 20 images each, grey
  kinds    one picture in every format and mode, named for it: <class 0 or 1>/<kind>.<ending>
  audit    two classes of blurred noise, with every finding of an audit planted once
  broken   100 images in two classes, one of which is cut, empty, mislabelled and so on (the rest are sound)
"""
import io
import os
import random
import sys

from PIL import Image, ImageDraw


def picture(kind, i, size=32):
    """A bar or a ring, blue on yellow, that no other i shows."""
    draw = random.Random(f"{kind} {i}")
    image = Image.new("RGB", (size, size), (200, 190, 40 + i % 20))
    pen = ImageDraw.Draw(image)
    x, y = draw.randrange(4, 12), draw.randrange(4, 12)
    if kind == "bars":
        pen.rectangle([x, 2, x + 6, size - 3], fill=(20, 30, 180))
    else:
        pen.ellipse([x, y, x + 18, y + 18], outline=(20, 30, 180), width=3)
    image.putpixel((0, 0), (i, i, i))
    return image


ENDINGS = ["png", "jpg", "webp", "tif", "bmp", "gif", "ppm"]


def save(image, path, **more):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    image.save(path, **more)


def shapes(to):
    for split, first, n in (("train", 0, 40), ("test", 100, 10)):
        for kind in ("bars", "rings"):
            for i in range(first, first + n):
                save(picture(kind, i), f"{to}/{split}/{kind}/{i}.{ENDINGS[i % 7]}")


def plain(to):
    for k, name in enumerate(("1", "2", "10")):
        for i in range(20):
            image = Image.new("L", (12, 10), 10 * k)
            ImageDraw.Draw(image).line([2 * k, 0, 2 * k + 3, 9], fill=200 + i)
            image.putpixel((11, 9), i)
            save(image.convert("RGB") if i % 2 else image, f"{to}/{name}/{i}.png")
    os.makedirs(f"{to}/empty")
    save(picture("bars", 1), f"{to}/.hidden/1.png")
    open(f"{to}/1/notes.txt", "w").write("no image\n")


def kinds(to):
    colour = picture("rings", 7)
    grey = colour.convert("L")
    alpha = colour.copy()
    alpha.putalpha(Image.new("L", colour.size, 128))
    sixteen = Image.frombytes("I;16", grey.size, b"".join(bytes((v, v)) for v in grey.tobytes()))
    for ending in ENDINGS:
        save(colour, f"{to}/a/colour.{ending}", **({"lossless": True} if ending == "webp" else {}))
    save(colour, f"{to}/a/progressive.jpg", progressive=True, quality=95)
    save(colour.convert("CMYK"), f"{to}/a/cmyk.tif")
    save(colour.convert("CMYK"), f"{to}/a/cmyk.jpg", quality=95)
    save(colour.convert("P"), f"{to}/a/palette.png")
    save(colour.convert("P"), f"{to}/a/palette.bmp")
    save(alpha, f"{to}/a/alpha.png")
    save(alpha, f"{to}/a/alpha.webp", lossless=True)
    save(grey, f"{to}/b/grey.png")
    save(grey, f"{to}/b/grey.jpg", quality=95)
    save(grey, f"{to}/b/grey.pgm")
    save(grey, f"{to}/b/grey.bmp")
    save(grey, f"{to}/b/grey.gif")
    save(grey, f"{to}/b/grey.tif")
    save(sixteen, f"{to}/b/sixteen.png")
    save(sixteen, f"{to}/b/sixteen.tif")
    save(grey.convert("1"), f"{to}/b/bits.png")
    save(grey.convert("1"), f"{to}/b/bits.pbm")
    for turn in range(1, 9):  # each stored so that it is shown upright
        back = {2: Image.FLIP_LEFT_RIGHT, 3: Image.ROTATE_180, 4: Image.FLIP_TOP_BOTTOM, 5: Image.TRANSPOSE,
                6: Image.ROTATE_90, 7: Image.TRANSVERSE, 8: Image.ROTATE_270}
        stored = colour.crop((0, 0, 32, 20))
        stored = stored.transpose(back[turn]) if turn > 1 else stored
        exif = Image.Exif()
        exif[0x0112] = turn
        for ending in ("jpg", "png", "webp"):
            save(stored, f"{to}/turned/{turn}.{ending}", exif=exif, **({"quality": 100} if ending != "png" else {}))


def broken(to):
    for kind in ("bars", "rings"):
        for i in range(200):
            save(picture(kind, i % 100, 16 + i // 100), f"{to}/{kind}/{i}.png")
    sound = io.BytesIO()
    picture("bars", 3).save(sound, "PNG")
    cut = sound.getvalue()
    open(f"{to}/bars/cut.png", "wb").write(cut[: len(cut) // 2])
    open(f"{to}/rings/text.png", "w").write("<b>not an image</b>\n")
    open(f"{to}/rings/empty.jpg", "w").close()


def noise(i, size=32):
    draw = random.Random(i)
    small = Image.frombytes("RGB", (6, 6), bytes(draw.randrange(256) for _ in range(108)))
    return small.resize((size, size), Image.BICUBIC)


def audit(to):
    for split, first, n in (("train", 0, 30), ("test", 100, 10)):
        for k, name in enumerate(("<b>cat", "dog")):
            for i in range(first, first + (n if k or split == "test" else 8)):
                save(noise(1000 * k + i), f"{to}/{split}/{name}/{i}.png")
    image = noise(1005)
    save(image, f"{to}/test/dog/exact.png")
    save(image, f"{to}/train/<b>cat/=wrong label.png")
    save(image, f"{to}/test/dog/saved again.jpg", quality=70)
    save(image.point(lambda v: min(255, v * 9 // 8)), f"{to}/train/dog/brighter.png")
    save(image.resize((48, 48), Image.BICUBIC), f"{to}/train/dog/larger.webp")
    save(Image.new("RGB", (32, 32), (9, 9, 9)), f"{to}/train/dog/black.png")
    save(Image.new("L", (40, 30), 255), f"{to}/test/dog/white.jpg")


if __name__ == "__main__":
    {"shapes": shapes, "audit": audit, "plain": plain, "kinds": kinds, "broken": broken}[sys.argv[1]](sys.argv[2])
