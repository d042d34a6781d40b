"""Brings sets of files into watch folders of one daemon, in five orders with pauses, and holds what came out against what was expected."""

import json
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

ROOT = pathlib.Path(__file__).resolve().parents[2]
ORDERS = ("by name", "backwards", "shuffled", "shuffled again", "last first")


class Case:
    """A folder of files; `expected`: the images that must come out of it, samples as T, C, Z, Y, X without axes of length 1.

    A `broken` one must give none, and the daemon must say why. `options`: of its watch folder.
    """

    def __init__(self, name, source, expected, broken=False, options=None):
        self.name, self.source, self.expected, self.broken = name, source, expected, broken
        self.options = options or {}


def in_order(names, order, rng):
    names = sorted(names)
    if order == "backwards":
        return names[::-1]
    if order == "last first":
        return names[-1:] + names[:-1]
    if order.startswith("shuffled"):
        rng.shuffle(names)
    return names


def files_below(folder):
    return [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()]


def bring(source, target, order, rng, longest_pause_s):
    for name in in_order(files_below(source), order, rng):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        part = target / (name + ".part")
        shutil.copyfile(source / name, part)
        part.rename(target / name)
        time.sleep(rng.uniform(0, longest_pause_s))


def images_in(path):
    """What tifffile reads of a file, or of the set that it belongs to: samples as T, C, Z, Y, X, axes of length 1 dropped."""
    with tifffile.TiffFile(path) as tif:
        images = []
        for series in tif.series:
            places = sorted(range(len(series.axes)), key=lambda place: "TCZYX".index(series.axes[place]))
            images.append(numpy.squeeze(series.asarray().transpose(places)))
        return images


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


def queue_of(work, number):
    answer = subprocess.run(
        ["node", str(ROOT / "bin/cnnt-edge.js"), "queue", "--state", "state", "--folder", f"f{number}", "--limit", "1000", "--json"],
        cwd=work, capture_output=True, text=True,
    )
    return json.loads(answer.stdout)["jobs"] if answer.returncode == 0 else []


def run(cases, longest_pause_s, seed, settle=None):
    """Prints a table and ends the process: exit code 1 where something is otherwise than expected."""
    work = pathlib.Path(tempfile.mkdtemp(prefix="cnnt-edge-sets-"))
    brought = [(case, order) for case in cases for order in ORDERS]
    folders = []
    for number, (case, order) in enumerate(brought):
        (work / f"in{number}").mkdir()
        paths = {"name": f"f{number}", "path": f"in{number}", "output": f"out{number}"}
        folders.append({**paths, "model": str(ROOT / "models/identity"), **case.options})
    broken_s = 2 * longest_pause_s + 20
    settle = {"broken_s": broken_s, **(settle or {})}
    config = {"folders": folders, "state": "state", "settle": settle, "mqtt": {"port": 0}}
    (work / "config.yaml").write_text(json.dumps(config))
    log = open(work / "log", "w")
    daemon = subprocess.Popen(
        ["node", str(ROOT / "bin/cnnt-edge.js"), "watch", "--config", "config.yaml"], cwd=work, stdout=log, stderr=log
    )
    writers = []
    for number, (case, order) in enumerate(brought):
        rng = random.Random(f"{seed} {number}")
        writer = threading.Thread(target=bring, args=(case.source, work / f"in{number}", order, rng, longest_pause_s))
        writer.start()
        writers.append(writer)
    for writer in writers:
        writer.join()
    failed = 0
    print("| set | order | results | expected | told |\n|---|---|---:|---:|---|")
    # Each look at the queue starts a program.
    deadline = time.time() + broken_s + 180 + 5 * len(brought)
    for number, (case, order) in enumerate(brought):
        while True:
            jobs = queue_of(work, number)
            ended = jobs and all(job["status"] not in ("queued", "running", "waiting") for job in jobs)
            if ended and len(results_in(work / f"out{number}")) >= len(case.expected):
                break
            if time.time() > deadline or daemon.poll() is not None:
                break
            time.sleep(1)
        found = results_in(work / f"out{number}")
        told = sorted({job.get("error", {}).get("message") or job.get("reason") or "" for job in queue_of(work, number)} - {""})
        done = [job for job in jobs if job["status"] == "done"]
        good = same_images(case.expected, found) and (not case.broken or bool(told)) and len(done) == len(case.expected)
        failed += not good
        told = "" if good and not case.broken else " / ".join(told)[:160]
        print(f"| {case.name} | {order} | {len(found)} | {len(case.expected)} | {'' if good else '**WRONG** '}{told} |")
    daemon.terminate()
    daemon.wait(30)
    print(f"\n{len(brought) - failed} of {len(brought)} right; {work}")
    sys.exit(1 if failed else 0)
