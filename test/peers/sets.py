"""Sets of many files, brought into a watch folder in five orders with pauses, and what came out held against tifffile.

    npm run peers:sets [-- LONGEST_PAUSE_S [SEED]]

Needs Python with tifffile and numpy, and the sets in ../shared/data/series. One daemon with the identity package watches
a folder for each set and order; members come one by one, with pauses of up to LONGEST_PAUSE_S (default 5) between them.
A whole set must give one result for each image that tifffile finds in it, with equal samples, and no other; a set with a
missing or half-copied member must give none, and the daemon must say what is missing. Exit code 1 where it is otherwise.
"""

import json
import logging
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time

import numpy
import tifffile

# Its remarks on Prairie's times, thousands of them.
logging.getLogger("tifffile").setLevel(logging.ERROR + 10)

ROOT = pathlib.Path(__file__).resolve().parents[2]
SETS = ROOT.parent / "shared" / "data" / "series"
BROKEN = {"made-uuid-half-copied", "made-uuid-incomplete", "ome-companion-incomplete"}
ORDERS = ("by name", "backwards", "shuffled", "shuffled again", "last first")
LONGEST_PAUSE_S = float(sys.argv[1]) if len(sys.argv) > 1 else 5.0
SEED = int(sys.argv[2]) if len(sys.argv) > 2 else 1


def in_order(names, order, rng):
    names = sorted(names)
    if order == "backwards":
        return names[::-1]
    if order == "last first":
        return names[-1:] + names[:-1]
    if order.startswith("shuffled"):
        rng.shuffle(names)
    return names


def bring(source, target, order, rng):
    for name in in_order(os.listdir(source), order, rng):
        part = target / (name + ".part")
        shutil.copyfile(source / name, part)
        part.rename(target / name)
        time.sleep(rng.uniform(0, LONGEST_PAUSE_S))


def images_in(path):
    """What tifffile reads of a file, or of the set that it belongs to: samples as T, C, Z, Y, X, axes of length 1 dropped."""
    with tifffile.TiffFile(path) as tif:
        images = []
        for series in tif.series:
            places = sorted(range(len(series.axes)), key=lambda place: "TCZYX".index(series.axes[place]))
            images.append(numpy.squeeze(series.asarray().transpose(places)))
        return images


def images_of(folder):
    """Of a whole set. tifffile follows no companion: the planes of such a set are stacked by their files' names."""
    files = sorted(folder.glob("*.tif*"))
    if any(folder.glob("*.companion.ome")):
        return [numpy.stack([tifffile.imread(file, is_ome=False) for file in files])]
    return images_in(files[0])


def results_in(folder):
    return [image for path in sorted(folder.rglob("*.ome.tif")) for image in images_in(path)]


def same_images(expected, found):
    left = list(found)
    for image in expected:
        match = next((i for i, other in enumerate(left) if other.shape == image.shape and (other == image).all()), None)
        if match is None:
            return False
        left.pop(match)
    return not left


def main():
    work = pathlib.Path(tempfile.mkdtemp(prefix="cnnt-edge-sets-"))
    cases = [(name, order) for name in sorted(os.listdir(SETS)) for order in ORDERS]
    folders = []
    for number, (name, order) in enumerate(cases):
        (work / f"in{number}").mkdir()
        folders.append(
            {"name": f"f{number}", "path": f"in{number}", "output": f"out{number}", "model": str(ROOT / "models/identity")}
        )
    broken_s = 2 * LONGEST_PAUSE_S + 20
    config = {"folders": folders, "state": "state", "settle": {"broken_s": broken_s}, "mqtt": {"port": 0}}
    (work / "config.yaml").write_text(json.dumps(config))
    log = open(work / "log", "w")
    daemon = subprocess.Popen(
        ["node", str(ROOT / "bin/cnnt-edge.js"), "watch", "--config", "config.yaml"], cwd=work, stdout=log, stderr=log
    )
    writers = []
    for number, (name, order) in enumerate(cases):
        rng = random.Random(f"{SEED} {number}")
        writer = threading.Thread(target=bring, args=(SETS / name, work / f"in{number}", order, rng))
        writer.start()
        writers.append(writer)
    for writer in writers:
        writer.join()
    failed = 0
    print("| set | order | results | expected | told |\n|---|---|---:|---:|---|")
    deadline = time.time() + broken_s + 180
    for number, (name, order) in enumerate(cases):
        expected = [] if name in BROKEN else images_of(SETS / name)
        while time.time() < deadline and daemon.poll() is None:
            jobs = queue_of(work, number)
            ended = jobs and all(job["status"] not in ("queued", "running", "waiting") for job in jobs)
            if ended and len(results_in(work / f"out{number}")) >= len(expected):
                break
            time.sleep(1)
        found = results_in(work / f"out{number}")
        told = sorted({job.get("error", {}).get("message") or job.get("reason") or "" for job in queue_of(work, number)} - {""})
        good = same_images(expected, found) and (name not in BROKEN or bool(told))
        failed += not good
        print(f"| {name} | {order} | {len(found)} | {len(expected)} | {'' if good else '**WRONG** '}{' / '.join(told)[:160]} |")
    daemon.terminate()
    daemon.wait(30)
    print(f"\n{len(cases) - failed} of {len(cases)} right; {work}")
    sys.exit(1 if failed else 0)


def queue_of(work, number):
    answer = subprocess.run(
        ["node", str(ROOT / "bin/cnnt-edge.js"), "queue", "--state", "state", "--folder", f"f{number}", "--limit", "1000", "--json"],
        cwd=work, capture_output=True, text=True,
    )
    return json.loads(answer.stdout)["jobs"] if answer.returncode == 0 else []


main()
