"""edge_sets.py: writes sets at the edge of what there can be, as IDX directories, and a .npy pair that holds a NaN."""
import os
import struct


def idx(path, sizes, values, code=8):
    with open(path, 'wb') as f:
        f.write(bytes([0, 0, code, len(sizes)]) + struct.pack(f'>{len(sizes)}I', *sizes))
        f.write(bytes(values) if code == 8 else struct.pack(f'>{len(values)}H', *values))


def images(side, labels, value):
    """A picture of its class and its number each: value(label, number, pixel)."""
    return [value(label, i, p) % 256 for i, label in enumerate(labels) for p in range(side * side)]


def write(name, side, train, test, value, classes=None):
    os.mkdir(name)
    for split, labels in (('train', train), ('t10k', test)):
        idx(f'{name}/{split}-images-idx3-ubyte', [len(labels), side, side], images(side, labels, value))
        wide = max(labels) > 255
        idx(f'{name}/{split}-labels-idx1-{"short" if wide else "ubyte"}', [len(labels)], labels, 0x0B if wide else 8)
    if classes:
        with open(f'{name}/classes.txt', 'w') as f:
            f.write(''.join(f'class {c}\n' for c in range(classes)))


def plain(label, i, p):
    return label * 97 + p * (label + 1) * 31 + i * 7 % 13


def some(n, k):
    return [i % k for i in range(n)]


write('plain', 8, some(90, 3), some(30, 3), plain)
write('black', 8, some(60, 2), some(20, 2), lambda label, i, p: 0)
write('grey', 8, some(60, 2), some(20, 2), lambda label, i, p: 77)
write('onepixel', 1, some(120, 2), some(20, 2), lambda label, i, p: 40 + 150 * label + i % 9)
write('seventeen', 8, some(17, 3), some(5, 3), plain)
write('thousand', 8, some(2000, 1000), some(1000, 1000), lambda label, i, p: (label * 2654435761 >> p % 24) & 255)
write('large', 512, some(6, 2), some(2, 2), lambda label, i, p: (p >> (3 + 6 * label)) * 16)
write('absent', 8, some(60, 3), some(8, 2), plain, 5)
write('alone', 8, [0] * 30, some(20, 2), plain)
write('single', 8, [0], [0], plain, 2)

os.mkdir('nan')
head = "{'descr': '%s', 'fortran_order': False, 'shape': %s, }"
for name, kind, shape, data in (('images', '<f4', '(20, 2, 2)', struct.pack('<80f', float('nan'), *([0.5] * 79))),
                                ('labels', '|u1', '(20,)', bytes(some(20, 2)))):
    text = head % (kind, shape)
    text += ' ' * (117 - len(text)) + '\n'
    with open(f'nan/{name}.npy', 'wb') as f:
        f.write(b'\x93NUMPY\x01\x00' + struct.pack('<H', len(text)) + text.encode() + data)
