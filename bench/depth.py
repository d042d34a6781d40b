"""PSNR against the known truth by depth, and whether planes show a step where tiles meet.

usage: depth.py NOISY TRUTH DENOISED [TILE_STEP_Z TILE_STEP_Y TILE_STEP_X]

PSNR uses the range of the true 99.9th percentile and no fit. The step: mean absolute difference between
neighbouring planes (rows, columns) of the error image (denoised - truth), at the borders of tiles against
elsewhere; a ratio near 1 means that nothing is to be seen there.
"""

import sys

import numpy as np
import tifffile

noisy, truth, denoised = (tifffile.imread(p).astype(np.float64) for p in sys.argv[1:4])
steps = [int(s) for s in sys.argv[4:7]]
data_range = np.percentile(truth, 99.9)


def psnr(x, y):
    return 10 * np.log10(data_range**2 / np.mean((x - y) ** 2))


print("| z | PSNR noisy | PSNR denoised |")
print("|---:|---:|---:|")
for z in range(truth.shape[0]):
    print(f"| {z} | {psnr(noisy[z], truth[z]):.2f} | {psnr(denoised[z], truth[z]):.2f} |")
print(f"| all | {psnr(noisy, truth):.2f} | {psnr(denoised, truth):.2f} |")
error = denoised - truth
for axis, step in enumerate(steps):
    difference = np.abs(np.diff(error, axis=axis)).mean(axis=tuple(a for a in range(3) if a != axis))
    borders = [k - 1 for k in range(step, truth.shape[axis], step)]
    if borders:
        rest = np.delete(difference, borders)
        print(f"axis {'zyx'[axis]}: change of the error at tile borders / elsewhere = ", end="")
        print(f"{difference[borders].mean() / rest.mean():.3f} ({len(borders)} borders)")
