"""OME sets of many files, brought into a watch folder in five orders with pauses, and what came out held against tifffile.

    npm run peers:sets [-- LONGEST_PAUSE_S [SEED]]

Needs Python with tifffile and numpy, and the sets in ../shared/data/series. One daemon with the identity package watches
a folder for each set and order; members come one by one, with pauses of up to LONGEST_PAUSE_S (default 5) between them.
A whole set must give one result for each image that tifffile finds in it, with equal samples, and no other; a set with a
missing or half-copied member must give none, and the daemon must say what is missing. Exit code 1 where it is otherwise.
"""

import logging
import sys

import numpy
import tifffile
from watched_sets import ROOT, Case, images_in, run

# Its remarks on Prairie's times, thousands of them.
logging.getLogger("tifffile").setLevel(logging.ERROR + 10)

SETS = ROOT.parent / "shared" / "data" / "series"
BROKEN = {"made-uuid-half-copied", "made-uuid-incomplete", "ome-companion-incomplete"}


def images_of(folder):
    """Of a whole set. tifffile follows no companion: the planes of such a set are stacked by their files' names."""
    files = sorted(folder.glob("*.tif*"))
    if any(folder.glob("*.companion.ome")):
        return [numpy.stack([tifffile.imread(file, is_ome=False) for file in files])]
    return images_in(files[0])


sets = sorted(path for path in SETS.iterdir() if path.is_dir())
cases = [Case(path.name, path, [] if path.name in BROKEN else images_of(path), path.name in BROKEN) for path in sets]
run(cases, float(sys.argv[1]) if len(sys.argv) > 1 else 5.0, int(sys.argv[2]) if len(sys.argv) > 2 else 1)
