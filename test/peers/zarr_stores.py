"""Writes OME-Zarr folders in many layouts with zarr-python, and compares the samples that `cnnt-edge info --hash` reads.

CNNT_EDGE_PYTHON needs zarr 3 and numcodecs: npm run peers:zarr
"""
import hashlib
import itertools
import json
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import numcodecs
import numpy as np
import zarr
from zarr.codecs import BloscCodec, BytesCodec, Crc32cCodec, GzipCodec, TransposeCodec, ZstdCodec

ROOT = Path(__file__).resolve().parents[2]
rng = np.random.default_rng(1)
choose = random.Random(1)


def described(group, axes, version):
    kinds = {"t": {"type": "time"}, "c": {"type": "channel"}}
    multiscale = {
        "axes": [{"name": n, **kinds.get(n, {"type": "space"})} for n in axes],
        "datasets": [{"path": "0", "coordinateTransformations": [{"type": "scale", "scale": [1.0] * len(axes)}]}],
    }
    if version == 2:
        group.attrs.update({"multiscales": [{**multiscale, "version": "0.4"}]})
    else:
        group.attrs.update({"ome": {"version": "0.5", "multiscales": [multiscale]}})


def samples(shape, dtype):
    smooth = np.cumsum(rng.integers(0, 3, shape), axis=-1)
    data = (smooth % 200).astype(dtype)
    data[..., :1, :3] = 0
    return data


def shapes():
    axes = "".join(a for a in "tcz" if choose.random() < 0.6) + "yx"
    shape = [choose.randint(1, 4) for _ in axes[:-2]] + [choose.randint(1, 70), choose.randint(1, 70)]
    chunks = [choose.randint(1, n) for n in shape]
    return axes, shape, chunks


def write_v2(folder):
    axes, shape, chunks = shapes()
    dtype = choose.choice(["|u1", "<u2", ">u2", "<i2", "<u4", "<f4", ">f4", "<f8"])
    compressor = choose.choice(
        [None, numcodecs.Zstd(3), numcodecs.GZip(3), numcodecs.Zlib(3), numcodecs.LZ4()]
        + [numcodecs.Blosc(c, 5, s) for c, s in itertools.product(["blosclz", "lz4", "lz4hc", "zlib", "zstd"], [0, 1, 2])])
    group = zarr.open_group(folder, mode="w", zarr_format=2)
    described(group, axes, 2)
    array = group.create_array("0", shape=shape, chunks=chunks, dtype=dtype, compressors=compressor, fill_value=0,
                               order=choose.choice("CF"), chunk_key_encoding={"name": "v2", "separator": choose.choice("./")})
    return array, samples(shape, np.dtype(dtype)), f"v2 {dtype} {compressor} {array.order}"


def write_v3(folder):
    axes, shape, chunks = shapes()
    dtype = choose.choice(["uint8", "uint16", "int16", "uint32", "float32", "float64"])
    shards = [c * choose.randint(1, 3) for c in chunks] if choose.random() < 0.5 else None
    compressors = choose.choice([[], [ZstdCodec(level=3)], [GzipCodec()], [Crc32cCodec()], [ZstdCodec(level=0), Crc32cCodec()]]
                                + [[BloscCodec(cname=c, shuffle=s)] for c in ["lz4", "zstd", "zlib", "blosclz"]
                                   for s in ["shuffle", "bitshuffle", "noshuffle"]])
    filters = [TransposeCodec(order=tuple(choose.sample(range(len(shape)), len(shape))))] if choose.random() < 0.3 else []
    serializer = BytesCodec(endian=choose.choice(["little", "big"])) if dtype != "uint8" else BytesCodec()
    group = zarr.open_group(folder, mode="w", zarr_format=3)
    described(group, axes, 3)
    array = group.create_array("0", shape=shape, chunks=chunks, shards=shards, dtype=dtype, fill_value=0, filters=filters,
                               compressors=compressors, serializer=serializer,
                               chunk_key_encoding={"name": choose.choice(["default", "v2"]), "separator": choose.choice("./")})
    return array, samples(shape, np.dtype(dtype)), f"v3 {dtype} {compressors} shards {shards} {filters}"


def main():
    wrong = 0
    with tempfile.TemporaryDirectory() as scratch:
        due, folders = {}, []
        for number in range(int(os.environ.get("STORES", "200"))):
            folder = str(Path(scratch) / f"{number}.ome.zarr")
            array, data, what = (write_v2 if number % 2 else write_v3)(folder)
            array[...] = data
            little = np.ascontiguousarray(data, data.dtype.newbyteorder("<"))
            due[folder] = (hashlib.sha256(little.tobytes()).hexdigest(), what)
            folders.append(folder)
        said = subprocess.run(["node", "bin/cnnt-edge.js", "info", "--hash", "--json", *folders], cwd=ROOT,
                              capture_output=True, text=True)
        for entry in json.loads(said.stdout):
            digest, what = due[entry["file"]]
            series = entry.get("series", [{}])[0]
            if series.get("sha256") != digest:
                wrong += 1
                print(f"DIFFERENT {what}: {json.dumps(series.get('error') or entry.get('error') or series)[:400]}")
        print(f"{len(due) - wrong} of {len(due)} stores read as zarr-python {zarr.__version__} wrote them")
    sys.exit(wrong > 0)


if __name__ == "__main__":
    main()
