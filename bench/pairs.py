"""Judges denoised planes against clean ones with scikit-image; knows nothing of the product.

usage: pairs.py PAIRS_DIR DENOISED_DIR [--card CARD]

PAIRS_DIR holds NAME.json beside the noisy and clean files it names; DENOISED_DIR holds the same tree with
`<stem>.denoised.ome.tif` for each noisy file. Every plane is fitted to the clean one by one least-squares gain
and offset; PSNR and SSIM (gaussian weights, sigma 1.5, population covariance) use max - min of the clean plane as
data range. Linearity: clean pixels in 10 bins of equal count by the *clean* value; the slope of the bins' mean
denoised (unfitted; noisy and denoised both scaled by the one gain that maps the noisy plane to the clean) against mean clean.
A second table has the PSNR as is, without any fit, and the slope of denoised against clean by three definitions, each
divided by the same slope of the noisy plane: over the ten bins, over all pixels (`export --pairs`), over the means of
blocks (`compare`, `calibrate`).
"Gauss" is the best of a Gaussian blur of the noisy plane, its width chosen with the clean plane at hand (PEER_WIDTHS_PX):
what no user can do, and the bar for a network that was never finetuned. With --card, the figures printed in the starter's card are compared: the product must reach them within 0.05 dB.
"""

import json
import pathlib
import re
import sys

import numpy as np
import tifffile
from scipy.ndimage import gaussian_filter
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

PEER_WIDTHS_PX = np.geomspace(0.3, 8, 40)


def planes(path):
    image = tifffile.imread(path).astype(np.float64)
    return image.reshape(-1, *image.shape[-2:])


def fit(x, y):
    """Gain and offset that bring x nearest to y, and x so mapped."""
    design = np.stack([x.ravel(), np.ones(x.size)], 1)
    gain, offset = np.linalg.lstsq(design, y.ravel(), rcond=None)[0]
    return gain * x + offset, gain, offset


def figures(x, clean):
    data_range = clean.max() - clean.min()
    psnr = peak_signal_noise_ratio(clean, x, data_range=data_range)
    ssim = structural_similarity(
        clean, x, data_range=data_range, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )
    return psnr, ssim


def bin_slope(x, clean, bins=10):
    """Slope of mean x against mean clean over bins of equal count by the clean value."""
    order = np.argsort(clean, axis=None, kind="stable")
    groups = np.array_split(order, bins)
    xs = np.array([x.ravel()[g].mean() for g in groups])
    ys = np.array([clean.ravel()[g].mean() for g in groups])
    return np.polyfit(ys, xs, 1)[0]


def pixel_slope(x, clean):
    """Least-squares slope of the pixels of x against those of the clean plane."""
    return np.polyfit(clean.ravel(), x.ravel(), 1)[0]


def block_slope(x, clean, wanted=64, smallest=8):
    """Least-squares slope of block means: about 64 square blocks, none but those at the far borders below 8 x 8."""
    side = max(smallest, int(np.ceil(np.sqrt(clean.size / wanted))))
    rows, columns = (np.arange(0, length, side) for length in clean.shape)

    def means(plane):
        sums = np.add.reduceat(np.add.reduceat(plane, rows, axis=0), columns, axis=1)
        return (sums / np.outer(np.diff([*rows, plane.shape[0]]), np.diff([*columns, plane.shape[1]]))).ravel()

    return np.polyfit(means(clean), means(x), 1)[0]


def psnr_as_is(x, clean):
    return peak_signal_noise_ratio(clean, x, data_range=clean.max() - clean.min())


def tuned_gaussian(noisy, clean):
    """PSNR and SSIM of the blur whose PSNR is highest, and its sigma in pixels."""
    blurs = [(sigma, fit(gaussian_filter(noisy, sigma, mode="reflect"), clean)[0]) for sigma in PEER_WIDTHS_PX]
    data_range = clean.max() - clean.min()
    sigma, best = max(blurs, key=lambda blur: peak_signal_noise_ratio(clean, blur[1], data_range=data_range))
    return *figures(best, clean), sigma


def card_figures(path):
    pattern = re.compile(r"^(\S+#\d+)\s+PSNR ([\d.]+) -> ([\d.]+)\s+SSIM ([\d.]+) -> ([\d.]+)", re.M)
    return {m[1]: float(m[3]) for m in pattern.finditer(pathlib.Path(path).read_text())}


def main():
    pairs, denoised = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    card = card_figures(sys.argv[4]) if len(sys.argv) > 4 and sys.argv[3] == "--card" else {}
    rows, behind, unfitted = [], [], []
    print("| plane | PSNR noisy | PSNR denoised | card | PSNR Gauss (px) | SSIM noisy | SSIM denoised | SSIM Gauss | slope noisy | slope denoised |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
    for description in sorted(pairs.glob("**/*.json")):
        facts = json.loads(description.read_text())
        if not facts.get("clean"):
            continue
        folder = description.parent
        stem = re.sub(r"(\.ome)?\.tiff?$", "", facts["noisy"])
        result = denoised / folder.relative_to(pairs) / f"{stem}.denoised.ome.tif"
        clean_planes = planes(folder / facts["clean"])
        noisy_planes = planes(folder / facts["noisy"])
        for i, (noisy, ours, clean) in enumerate(zip(noisy_planes, planes(result), clean_planes)):
            name = f"{description.relative_to(pairs).with_suffix('')}#{i}"
            fitted_noisy, gain, offset = fit(noisy, clean)
            fitted_ours, _, _ = fit(ours, clean)
            before, after = figures(fitted_noisy, clean), figures(fitted_ours, clean)
            # Both through the same map, so that only what the network did to intensities shows.
            unbiased = 1 / fit(clean, noisy)[1]
            slopes = [bin_slope(unbiased * image, clean) for image in (noisy, ours)]
            gauss_psnr, gauss_ssim, sigma = tuned_gaussian(noisy, clean)
            rows.append((before[0], after[0], before[1], after[1], gauss_psnr, gauss_ssim))
            relative = [slope(ours, clean) / slope(noisy, clean) for slope in (bin_slope, pixel_slope, block_slope)]
            unfitted.append((name, psnr_as_is(noisy, clean), psnr_as_is(ours, clean), block_slope(noisy, clean), *relative))
            said = card.get(name)
            if said is not None and after[0] < said - 0.05:
                behind.append(name)
            print(
                f"| {name} | {before[0]:.2f} | {after[0]:.2f} | {'' if said is None else f'{said:.2f}'} "
                f"| {gauss_psnr:.2f} ({sigma:.1f}) | {before[1]:.3f} | {after[1]:.3f} | {gauss_ssim:.3f} | {slopes[0]:.3f} | {slopes[1]:.3f} |"
            )
    print()
    print("| plane | PSNR as is, noisy | PSNR as is, denoised | brightness of noisy | slope, bins | slope, pixels | slope, blocks |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for name, noisy_psnr, our_psnr, brightness, *slopes in unfitted:
        print(f"| {name} | {noisy_psnr:.2f} | {our_psnr:.2f} | {brightness:.3f} | {' | '.join(f'{slope:.3f}' for slope in slopes)} |")
    as_is = np.array([row[1:] for row in unfitted])
    gained = as_is[:, 1] - as_is[:, 0]
    print()
    print(f"as is: mean gain {gained.mean():.2f} dB, {gained.min():.2f} to {gained.max():.2f}; ", end="")
    for word, column in (("bins", 3), ("pixels", 4), ("blocks", 5)):
        slopes = as_is[:, column]
        print(f"slope, {word}: median {np.median(slopes):.3f}, {slopes.min():.3f} to {slopes.max():.3f}; ", end="")
    print()
    table = np.array(rows)
    gain, ssim = table[:, 1] - table[:, 0], table[:, 3] - table[:, 2]
    print()
    print(f"{len(rows)} planes; after the fit: mean gain {gain.mean():.2f} dB, median {np.median(gain):.2f}, worst {gain.min():.2f} dB; ", end="")
    print(f"SSIM {ssim.mean():+.3f}, worst {ssim.min():+.3f}; losses: {int((gain < 0).sum())}")
    peer_gain, peer_ssim = table[:, 4] - table[:, 0], table[:, 5] - table[:, 2]
    print(f"tuned Gaussian: mean gain {peer_gain.mean():.2f} dB, worst {peer_gain.min():.2f} dB; ", end="")
    print(f"SSIM {peer_ssim.mean():+.3f}, worst {peer_ssim.min():+.3f}; ", end="")
    print(f"the model has the higher PSNR on {int((gain > peer_gain).sum())}, the higher SSIM on {int((ssim > peer_ssim).sum())}")
    if card:
        print(f"more than 0.05 dB behind the card: {', '.join(behind) if behind else 'none'}")
    sys.exit(1 if behind else 0)


main()
