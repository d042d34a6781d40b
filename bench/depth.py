"""PSNR against the known truth by depth, in the tiles of a plan and in one piece, and whether planes show a step where tiles
begin or end.

usage: depth.py NOISY TRUTH IN_TILES IN_ONE_PIECE TILE_Z,Y,X OVERLAP_Z,Y,X

PSNR without any fit; its range is that of the true image, 99.9th percentile less minimum. The step: mean absolute
difference between neighbouring planes (rows, columns) of the error image (denoised in tiles - truth), where a tile begins or
ends against elsewhere; a ratio near 1 means that nothing is to be seen there.
"""

import math
import sys

import numpy as np
import tifffile

noisy, truth, tiled, whole = (tifffile.imread(p).astype(np.float64) for p in sys.argv[1:5])
tile, overlap = ([int(s) for s in arg.split(",")] for arg in sys.argv[5:7])
data_range = np.percentile(truth, 99.9) - truth.min()
depth = truth.shape[0]


def psnr(image, chosen):
    return 10 * np.log10(data_range**2 / np.mean((image[chosen] - truth[chosen]) ** 2))


def borders(axis):
    """Border i lies between the elements i and i + 1; tiles are spread evenly, as few as share the overlap."""
    length, size, shared = truth.shape[axis], tile[axis], overlap[axis]
    if size >= length:
        return []
    count = math.ceil((length - shared) / (size - shared))
    starts = [round(i * (length - size) / (count - 1)) for i in range(count)]
    return sorted({s - 1 for s in starts[1:]} | {s + size - 1 for s in starts[:-1]})


def row(name, chosen):
    in_tiles, in_one_piece = psnr(tiled, chosen), psnr(whole, chosen)
    print(
        f"| {name} | {psnr(noisy, chosen):.2f} | {in_one_piece:.2f} | {in_tiles:.2f} | {in_tiles - in_one_piece:+.2f} |"
    )


print("| z | PSNR noisy | in one piece | in tiles | tiles better by |")
print("|---:|---:|---:|---:|---:|")
at_borders = sorted({z for b in borders(0) for z in (b, b + 1)})
for z in range(depth):
    row(z, [z])
if at_borders:
    row("at borders", at_borders)
    row("elsewhere", sorted(set(range(2, depth - 2)) - set(at_borders)))
row("all", slice(None))
differences = [psnr(tiled, [z]) - psnr(whole, [z]) for z in range(depth)]
worst = int(np.argmin(differences))
print(f"\nin tiles {sum(d < 0 for d in differences)} of {depth} planes are worse, the most at z {worst}: {differences[worst]:+.2f} dB")
error = tiled - truth
for axis, name in enumerate("zyx"):
    if not borders(axis):
        continue
    difference = np.abs(np.diff(error, axis=axis)).mean(axis=tuple(a for a in range(3) if a != axis))
    elsewhere = np.delete(difference, borders(axis))
    mean = elsewhere.mean()
    low, high = np.percentile(elsewhere / mean, [2.5, 97.5])
    ratios = [difference[b] / mean for b in borders(axis)]
    print(f"axis {name}: change of the error at tile borders {np.mean(ratios):.3f} of the mean elsewhere, ", end="")
    print(f"{min(ratios):.3f} to {max(ratios):.3f}; elsewhere 95 % lie between {low:.3f} and {high:.3f}")
