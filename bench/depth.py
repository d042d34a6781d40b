"""PSNR against the known truth by depth, and whether planes show a step where tiles begin or end.

usage: depth.py NOISY TRUTH DENOISED TILE_Z,Y,X OVERLAP_Z,Y,X

PSNR without any fit; its range is that of the true image, 99.9th percentile less minimum. The step: mean absolute
difference between neighbouring planes (rows, columns) of the error image (denoised - truth), where a tile begins or
ends against elsewhere; a ratio near 1 means that nothing is to be seen there.
"""

import math
import sys

import numpy as np
import tifffile

noisy, truth, denoised = (tifffile.imread(p).astype(np.float64) for p in sys.argv[1:4])
tile, overlap = ([int(s) for s in arg.split(",")] for arg in sys.argv[4:6])
data_range = np.percentile(truth, 99.9) - truth.min()


def psnr(x, y):
    return 10 * np.log10(data_range**2 / np.mean((x - y) ** 2))


print("| z | PSNR noisy | PSNR denoised |")
print("|---:|---:|---:|")
for z in range(truth.shape[0]):
    print(f"| {z} | {psnr(noisy[z], truth[z]):.2f} | {psnr(denoised[z], truth[z]):.2f} |")
print(f"| all | {psnr(noisy, truth):.2f} | {psnr(denoised, truth):.2f} |")
error = denoised - truth
for axis, name in enumerate("zyx"):
    length, size, shared = truth.shape[axis], tile[axis], overlap[axis]
    if size >= length:
        continue
    count = math.ceil((length - shared) / (size - shared))
    starts = [round(i * (length - size) / (count - 1)) for i in range(count)]
    borders = sorted({s - 1 for s in starts[1:]} | {s + size - 1 for s in starts[:-1]})
    difference = np.abs(np.diff(error, axis=axis)).mean(axis=tuple(a for a in range(3) if a != axis))
    elsewhere = np.delete(difference, borders)
    mean = elsewhere.mean()
    low, high = np.percentile(elsewhere / mean, [2.5, 97.5])
    ratios = ", ".join(f"{difference[b] / mean:.3f}" for b in borders)
    print(f"axis {name}: change of the error at tile borders {ratios} of the mean elsewhere; ", end="")
    print(f"elsewhere 95 % lie between {low:.3f} and {high:.3f}")
