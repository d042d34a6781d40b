"""Acquisitions of many files, written by tifffile, brought into watch folders and held against tifffile: files whose names count
T, C and Z, with a pattern; MetaMorph's with an .nd file; Micro-Manager's planes with metadata.txt (1.4 and 2.0).

    npm run peers:names [-- LONGEST_PAUSE_S [SEED [SETS]]]

Needs Python with tifffile and numpy. SETS (default 12) random sets: numbers that begin anywhere, with leading zeros or without,
sizes stated or not, each file a plane or a stack, as ImageJ, OME or plain TIFF; every fourth lacks a file. Each comes in five
orders with pauses of up to LONGEST_PAUSE_S (default 2). A whole set must give one result, equal to tifffile's TiffSequence of its
files; a set with a hole none, and the daemon must name what is missing. Exit code 1 where it is otherwise.
"""

import json
import pathlib
import random
import re
import sys
import tempfile

import numpy
import tifffile
from watched_sets import Case, run

TEMPLATES = ("{name}_T{t}_C{c}.tif", "{name}-c{c}-t{t}.TIF", "{name} z{z}.tif", "{t}_{name}_{z}.tiff", "{name}{t}.tif", "{name}_w{c}_s{s}_t{t}.stk")


def number(value, digits):
    return str(value).zfill(digits)


def write(path, image, kind, axes):
    if kind == "imagej":
        tifffile.imwrite(path, image, imagej=True, metadata={"axes": axes})
    elif kind == "ome":
        tifffile.imwrite(path, image, ome=True, metadata={"axes": axes})
    else:
        tifffile.imwrite(path, image, metadata=None, photometric="minisblack")


def made_case(index, rng, work):
    template = TEMPLATES[index % len(TEMPLATES)]
    counted = [axis for axis in "tcz" if "{" + axis + "}" in template]
    sizes = {axis: rng.randint(2, 3) for axis in counted}
    first = {axis: rng.choice((0, 1, 9, 98)) for axis in counted}
    digits = {axis: rng.choice((0, 4)) for axis in counted}
    own = rng.choice((0, 3)) if "z" not in counted else 0
    kind = rng.choice(("imagej", "plain") if own == 0 else ("imagej", "ome", "plain"))
    broken = index % 4 == 3
    folder = work / f"set{index}"
    folder.mkdir()
    samples = numpy.random.default_rng(index)
    shape = (3,) * bool(own) + (32, 40)
    axes = "ZYX" if own else "YX"
    for place in numpy.ndindex(*(sizes[axis] for axis in counted)):
        written = {axis: number(first[axis] + at, digits[axis]) for axis, at in zip(counted, place)}
        name = template.format(name="embryo", s="2", **written)
        write(folder / name, samples.integers(1, 4000, shape, dtype="uint16"), kind, axes)
    files = sorted(folder.iterdir())
    expected = [] if broken else [read(template, counted, files)]
    if broken:
        # One in the middle: without the first or the last it would be a smaller rectangle.
        by_number = sorted(files, key=lambda path: [int(text) for text in re.findall(r"\d+", path.name)])
        by_number[len(by_number) // 2].unlink()
    options = {"pattern": template}
    if broken or rng.random() < 0.5:
        options["pattern_sizes"] = sizes
    stated = "sizes stated" if "pattern_sizes" in options else "sizes not stated"
    return Case(f"{template}, {kind} {axes}, {stated}{', with a hole' if broken else ''}", folder, expected, broken, options)


def read(template, counted, files):
    """tifffile's own reading of the sequence, as T, C, Z, Y, X."""
    pattern = re.escape(template).replace(r"\{name\}", ".+?").replace(r"\{s\}", r"\d+")
    for axis in counted:
        pattern = pattern.replace(r"\{" + axis + r"\}", rf"(?P<{axis}>\d+)")
    order = re.findall(r"\?P<(\w)>", pattern)
    with tifffile.TiffSequence([str(path) for path in files], pattern=pattern) as sequence:
        image = sequence.asarray()
    letters = "".join(order) + "zyx"[-(image.ndim - len(order)) :]
    return image.transpose([letters.index(axis) for axis in "tczyx" if axis in letters])


def nd_case(index, rng, work, broken):
    """As MetaMorph names them, each with its name for itself; a result for each stage position."""
    times, stages, waves, steps = rng.randint(1, 3), rng.randint(1, 2), rng.choice((["CFP"], ["488 nm", "DIC_x"])), rng.choice((1, 4))
    folder = work / f"nd{index}"
    folder.mkdir()
    samples = numpy.random.default_rng(index)
    expected = []
    for s in range(stages):
        planes = {}
        for t, c in numpy.ndindex(times, len(waves)):
            image = samples.integers(1, 4000, (steps, 32, 40), dtype="uint16")
            name = f"dish_w{c + 1}{waves[c].replace('_', '-')}_s{s + 1}_t{t + 1}.TIF"
            tifffile.imwrite(folder / name, image, metadata=None, photometric="minisblack", software="MetaMorph 7.10.3")
            planes[t, c] = tifffile.imread(folder / name)
        whole = numpy.stack([numpy.stack([planes[t, c] for c in range(len(waves))]) for t in range(times)])
        expected.append(numpy.squeeze(whole))
    lines = ['"NDInfoFile", Version 1.0', '"DoTimelapse", TRUE', f'"NTimePoints", {times}', '"DoStage", TRUE', f'"NStagePositions", {stages}']
    lines += [f'"Stage{s + 1}", "p{s}"' for s in range(stages)] + ['"DoWave", TRUE', f'"NWavelengths", {len(waves)}']
    lines += [f'"WaveName{c + 1}", "{name}"' for c, name in enumerate(waves)]
    lines += [f'"DoZSeries", {str(steps > 1).upper()}', f'"NZSteps", {steps}', '"ZStepSize", 0.3', '"WaveInFileName", TRUE', '"EndFile"', ""]
    (folder / "dish.nd").write_text("\r\n".join(lines), newline="")
    if broken:
        sorted(folder.glob("*.TIF"))[0].unlink()
    return Case(f".nd, {times} times, {stages} positions{', one missing' if broken else ''}", folder, [] if broken else expected, broken)


def micro_manager_case(index, rng, work, version, how):
    """`how`: whole, stopped (ended after one of its time points), missing (a file is gone)."""
    times, slices, channels = 3, rng.randint(1, 2), ["Cy3", "DAPI"]
    written = 2 if how == "stopped" else times
    folder = work / f"mm{index}" / "Pos0"
    folder.mkdir(parents=True)
    samples = numpy.random.default_rng(index)
    summary = {"MicroManagerVersion": version, "Frames": times, "Channels": 2, "Slices": slices, "ChNames": channels, "PixelSize_um": 0.2}
    text = '{\n"Summary": ' + json.dumps(summary)
    image = samples.integers(1, 4000, (written, 2, slices, 32, 40), dtype="uint16")
    for t, c, z in numpy.ndindex(written, 2, slices):
        old = version == "1.4"
        name = f"img_{t:09d}_{channels[c]}_{z:03d}.tif" if old else f"img_channel{c:03d}_position000_time{t:09d}_z{z:03d}.tif"
        tifffile.imwrite(folder / name, image[t, c, z], imagej=True)
        image[t, c, z] = tifffile.imread(folder / name)
        key = f"FrameKey-{t}-{c}-{z}" if old else f"Metadata-Pos0/{name}"
        text += f',\n"{key}": ' + json.dumps({"FileName": name, "PositionIndex": 0})
    (folder / "metadata.txt").write_text(text + "\n}\n")
    if how == "missing":
        sorted(folder.glob("*.tif"))[1].unlink()
    broken = how == "missing"
    return Case(f"Micro-Manager {version}, {how}", folder.parent, [] if broken else [numpy.squeeze(image)], broken)


work = pathlib.Path(tempfile.mkdtemp(prefix="cnnt-edge-names-"))
seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
pause_s = float(sys.argv[1]) if len(sys.argv) > 1 else 2.0
rng = random.Random(seed)
cases = [made_case(index, rng, work) for index in range(int(sys.argv[3]) if len(sys.argv) > 3 else 12)]
cases += [nd_case(index, rng, work, index == 2) for index in range(3)]
layouts = [(version, how) for version in ("1.4", "2.0") for how in ("whole", "stopped", "missing")]
cases += [micro_manager_case(index, rng, work, *layout) for index, layout in enumerate(layouts)]
run(cases, pause_s, seed, {"set_quiet_s": 2 * pause_s + 6})
