"""Writes test/fixtures/calibration: two stacks and what scikit-image, the published CNNT code and numpy say of them.

usage: calibration-metrics.py CNNT_CHECKOUT BPAE_NOISY.ome.tif BPAE_CLEAN.ome.tif OUT_DIR

CNNT_CHECKOUT is a checkout of AzR919/CNNT_Microscopy, whose models/pytorch_ssim.py is run as it is.
"""

import json
import sys
from pathlib import Path

import numpy as np
import tifffile
import torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

checkout, noisy_file, clean_file, out = sys.argv[1:5]
sys.path.insert(0, str(Path(checkout) / "models"))
import pytorch_ssim  # noqa: E402

out = Path(out)
out.mkdir(parents=True, exist_ok=True)


def made_stack():
    """12 x 40 x 48: smooth structure on an offset of 100, once with Poisson noise, once without."""
    rng = np.random.default_rng(13)
    z, y, x = np.mgrid[0:12, 0:40, 0:48]
    clean = 100 + 60 * (1 + np.sin(x / 3.1 + z / 5) * np.cos(y / 4.3)) + 80 * np.exp(
        -((x - 20) ** 2 + (y - 17) ** 2 + 4 * (z - 6) ** 2) / 30
    )
    return rng.poisson(clean).astype(np.uint16), clean.astype(np.float32)


def pair_stack():
    """3 x 64 x 64 of the real confocal pair (three channels, taken as three planes)."""
    part = (slice(None), slice(180, 244), slice(200, 264))
    return tifffile.imread(noisy_file)[part], tifffile.imread(clean_file)[part]


def ring_correlation(a, b):
    """Fourier ring correlation, the rings of all planes summed; Hann window, zeros up to powers of two."""
    height, width = a.shape[1:]
    side = min(height, width)
    window = np.outer(*(0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(n) + 0.5) / n) for n in (height, width)))
    pad = lambda n: 1 << (n - 1).bit_length()
    size = (pad(height), pad(width))
    spectra = [
        np.fft.fftn((v - v.mean(axis=(1, 2), keepdims=True)) * window, s=size, axes=(1, 2))
        for v in (a.astype(float), b.astype(float))
    ]
    radius = np.hypot(np.fft.fftfreq(size[0])[:, None], np.fft.fftfreq(size[1])[None, :])
    ring = np.broadcast_to(np.floor(radius * side + 0.5).astype(int), spectra[0].shape)
    total = lambda values: np.bincount(ring.ravel(), values.ravel())[: side // 2 + 1]
    cross = total((spectra[0] * spectra[1].conj()).real)
    return cross / np.sqrt(total(abs(spectra[0]) ** 2) * total(abs(spectra[1]) ** 2))


def published(a, b, data_range):
    """SSIM and SSIM3D as enhancement_loss.py calls them: window 7, images scaled to 1, [B, C, (T,) H, W]."""
    x, y = (torch.from_numpy(v.astype(np.float64) / data_range) for v in (a, b))
    flat = pytorch_ssim.SSIM(window_size=7, size_average=False)
    deep = pytorch_ssim.SSIM3D(window_size=7, size_average=False)
    flat.window, deep.window = flat.window.double(), deep.window.double()
    return {
        "publishedSsim": flat(x[:, None], y[:, None]).mean().item(),
        "publishedSsim3d": deep(x[None, None], y[None, None]).mean().item(),
    }


def fitted(image, reference):
    """The image after the one gain and offset, for all planes, that bring it nearest to the reference."""
    gain, offset = np.polyfit(image.ravel(), reference.ravel(), 1)
    return gain * image + offset


golden = {}
for name, (noisy, clean) in {"made": made_stack(), "bpae": pair_stack()}.items():
    data_range = float(clean.max()) - float(clean.min())
    np.save(out / f"{name}-noisy.npy", noisy)
    np.save(out / f"{name}-clean.npy", clean)
    noisy, clean = noisy.astype(np.float64), clean.astype(np.float64)
    wang = dict(gaussian_weights=True, use_sample_covariance=False, data_range=data_range)
    planes = range(noisy.shape[0])
    golden[name] = {
        "dataRange": data_range,
        "meanSquaredError": float(np.mean((noisy - clean) ** 2)),
        "psnr": float(peak_signal_noise_ratio(clean, noisy, data_range=data_range)),
        "scikitImageSsim": float(np.mean([structural_similarity(clean[z], noisy[z], **wang) for z in planes])),
        "fittedPsnr": float(peak_signal_noise_ratio(clean, fitted(noisy, clean), data_range=data_range)),
        "fittedScikitImageSsim": float(
            np.mean([structural_similarity(clean[z], fitted(noisy, clean)[z], **wang) for z in planes])
        ),
        **published(noisy, clean, data_range),
        "ringCorrelation": ring_correlation(noisy, clean).tolist(),
    }
    if noisy.shape[0] >= 11:
        golden[name]["scikitImageSsim3d"] = float(structural_similarity(clean, noisy, **wang))

(out / "metrics.json").write_text(json.dumps(golden, indent=1) + "\n")
