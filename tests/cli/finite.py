"""finite.py DIRECTORY: every number in the files of a run or study, however deep they lie, is finite."""
import array
import csv
import json
import os
import re
import struct
import sys

bad = 0


def tell(path, what):
    global bad
    bad += 1
    print(f'{path}: {what}')


def constant(path):
    def refuse(text):
        tell(path, f'{text} in JSON')
        return 0.0
    return refuse


def parsed(path, text):
    return json.loads(text, parse_constant=constant(path))


def tensors(path):
    data = open(path, 'rb').read()
    size = struct.unpack('<Q', data[:8])[0]
    head = parsed(path, data[8:8 + size].decode())
    for key, text in head.pop('__metadata__', {}).items():
        if re.search(r'(?<![\w])-?(nan|inf(inity)?)\b', text, re.I) and key != 'class_names':
            tell(path, f'{key}: {text[:80]}')
    assert head
    for name, tensor in head.items():
        begin, end = tensor['data_offsets']
        if tensor['dtype'] in ('F32', 'F64'):
            values = array.array('f' if tensor['dtype'] == 'F32' else 'd', data[8 + size + begin:8 + size + end])
            wrong = sum(x - x != 0 for x in values)
            if wrong:
                tell(path, f'{name}: {wrong} of {len(values)} are not finite')


def table(path):
    for number, row in enumerate(csv.reader(open(path))):
        if any(re.fullmatch(r'[-+]?(nan|inf(inity)?)', cell.strip(), re.I) for cell in row):
            tell(path, f'line {number + 1}: {row}')


def page(path):
    blocks = re.findall(r'<script[^>]*type="?application/json"?[^>]*>(.*?)</script>', open(path).read(), re.S)
    if not blocks:
        tell(path, 'no data were found')
    for block in blocks:
        parsed(path, block)


readers = {'.json': lambda path: parsed(path, open(path).read()), '.safetensors': tensors, '.csv': table, '.html': page}
seen = 0
for folder, _, files in os.walk(sys.argv[1]):
    for name in files:
        read = readers.get(os.path.splitext(name)[1])
        if read:
            read(os.path.join(folder, name))
            seen += 1
assert seen, 'no file was read'
sys.exit(bad > 0)
