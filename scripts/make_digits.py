#!/usr/bin/python3
"""Turns scikit-learn's copy of UCI Optdigits (CC BY 4.0; E. Alpaydin, C. Kaynak) into src/data/digits.bin.

The file holds 1797 x 64 pixels of 0..16, row by row, then 1797 labels, one byte each, in the original order.
Debian's python3-sklearn brings the source: run with /usr/bin/python3 scripts/make_digits.py
"""
import gzip
import pathlib

import sklearn.datasets

source = pathlib.Path(sklearn.datasets.__file__).parent / "data" / "digits.csv.gz"
target = pathlib.Path(__file__).parent.parent / "src" / "data" / "digits.bin"

with gzip.open(source, "rt") as lines:
    rows = [[int(float(value)) for value in line.split(",")] for line in lines]
assert len(rows) == 1797 and all(len(row) == 65 for row in rows)
assert all(0 <= value <= 16 for row in rows for value in row[:64])
assert {row[64] for row in rows} == set(range(10))

pixels = bytes(value for row in rows for value in row[:64])
target.write_bytes(pixels + bytes(row[64] for row in rows))
print(f"{target}: {target.stat().st_size} bytes")
