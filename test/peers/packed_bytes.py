"""Packs invented bytes with numcodecs (c-blosc, lz4, zstd): the truth for formats/compression/.

CNNT_EDGE_PYTHON test/peers/packed_bytes.py > test/fixtures/compression/packed.json

Byte i of `length` bytes is ((i * i) >> shift) & 255; "packed" is base64.
"""
import base64
import itertools
import json

import numcodecs
import numpy as np


def plain(length, shift):
    i = np.arange(length, dtype=np.uint64)
    return (((i * i) >> np.uint64(shift)) & np.uint64(255)).astype(np.uint8).tobytes()


out = []



for cname, shuffle, size in itertools.product(["blosclz", "lz4", "zlib", "zstd"], [0, 1, 2], [1, 2, 4]):
    codec = numcodecs.Blosc(cname=cname, clevel=5, shuffle=shuffle, blocksize=0)
    # numcodecs takes the size of a value from the array.
    for length, shift in [(2048, 15), (999 // size * size, 12), (8 * size * 3, 3), (size, 0)]:
        array = np.frombuffer(plain(length, shift), f"u{size}")
        out.append({"name": f"blosc {cname} shuffle {shuffle} values of {size}", "codec": "blosc", "length": length,
                    "shift": shift, "packed": base64.b64encode(codec.encode(array)).decode()})
for cname in ["blosclz", "lz4", "zstd"]:  # several blocks, the last of them shorter; nothing left to pack
    codec = numcodecs.Blosc(cname=cname, clevel=9, shuffle=2, blocksize=512)
    array = np.frombuffer(plain(4000, 14), "u2")
    out.append({"name": f"blosc {cname} in blocks", "codec": "blosc", "length": 4000, "shift": 14,
                "packed": base64.b64encode(codec.encode(array)).decode()})
for length, shift in [(1, 0), (13, 4), (2000, 8), (8192, 18), (300, 0)]:
    out.append({"name": "lz4", "codec": "lz4", "length": length, "shift": shift,
                "packed": base64.b64encode(numcodecs.LZ4().encode(plain(length, shift))[4:]).decode()})
print(json.dumps(out, indent=0))
