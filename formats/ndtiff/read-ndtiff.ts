import { type Acquisition, type Channel, planeCount, sampleTypes } from "../../core/acquisition.ts";
import { type EdgeError, formatError, unsupportedError } from "../../core/errors.ts";
import { present } from "../../core/record.ts";
import { openByteSource } from "../file/byte-source.ts";
import { type Reading, type ReadLimits, takeStep } from "../file/reading.ts";
import { statedDuration, statedLength } from "../ome/units.ts";
import { readContiguous } from "../plane/contiguous-samples.ts";
import { type OpenedFile, type PlaneReader, refuseOutside } from "../plane/plane-source.ts";
import { squeezed } from "../plane/stored-axes.ts";
import { type DataFile, openDataFile, planeBytes } from "./data-file.ts";
import { type NdTiffEntry, readNdTiffIndex } from "./index-entries.ts";
import { type NdTiffPosition, positionsOf } from "./positions.ts";

export const ndTiffIndex = "NDTiff.index";

/** Bytes: that of a million planes has 100 MB. */
const longestIndex = 2 ** 29;
/** Longer summaries are not carried into results. Characters. */
const longestText = 1 << 20;

/**
 * Reads the NDTiff in a folder (Micro-Manager, pycro-manager), whole: each position is a series. Planes that were never taken are
 * read as 0, and a note tells how many they are. Throws `EdgeError` where its index or a file is cut, missing or damaged.
 */
export async function findNdTiff(folder: string, limits: ReadLimits, reading: Reading): Promise<OpenedFile> {
  // Not normalized: paths below the folder begin as it was given.
  const indexFile = `${folder}/${ndTiffIndex}`;
  const { entries, isOpen } = readNdTiffIndex(await bytesOfIndex(indexFile), indexFile, limits.maxPlanes);
  const [first] = entries;
  if (first === undefined) throw noPlanes(indexFile);
  const files = await dataFilesOf(folder, entries, reading);
  const { summary, ofFirst } = files.get(first.fileName) ?? { summary: {}, ofFirst: {} };
  refuseMixedPlanes(first, entries, indexFile, limits);
  const positions = positionsOf(entries, channelNamesOf(summary), indexFile, limits.maxPlanes);
  if (positions.length > limits.maxSeries)
    throw tooManyPositions(indexFile, positions.length, limits.maxSeries);
  const members = [indexFile, ...[...files.values()].map(({ file }) => file)];
  const notes = isOpen
    ? ["the acquisition was not closed: the planes that its index names are read, and there may be more"]
    : [];
  const series = positions.map((position, index): PlaneReader => {
    const { t, c, z } = position.lengths;
    const { letters, lengths } = squeezed({ letters: "TCZ", lengths: [t, c, z] });
    const { width: x, height: y, sampleType, significantBits } = first;
    const sizes = { t, c, z, y, x };
    const acquisition: Acquisition = {
      file: folder,
      members,
      series: index,
      seriesCount: positions.length,
      ...present({ name: position.name, significantBits }),
      make: "NDTiff",
      axes: `${letters}YX`,
      shape: [...lengths, y, x],
      sizes,
      sampleType,
      ...sizesStated(summary, ofFirst),
      channels: position.channels.map((name): Channel => present({ name })),
      compression: "none",
      byteOrder: files.get(first.fileName)?.byteOrder ?? "little",
      original: originalOf(summary),
      notes: [...notes, ...holesIn(position, planeCount(sizes))],
    };
    return planeReader(position, acquisition, files);
  });
  return { series, files: [folder], close: async () => undefined };
}

async function bytesOfIndex(file: string): Promise<Buffer> {
  const source = await openByteSource(file);
  try {
    if (source.size > longestIndex) {
      throw unsupportedError("the index of the NDTiff is longer than is allowed", {
        code: "ndtiff-index-size",
        file,
        found: `${source.size} bytes`,
        allowed: `${longestIndex} bytes`,
        remedy: "Split the acquisition",
      });
    }
    const bytes = Buffer.alloc(source.size);
    await source.readInto(bytes, 0);
    return bytes;
  } finally {
    await source.close();
  }
}

/** By name, in the order in which the index names them. */
async function dataFilesOf(
  folder: string,
  entries: readonly NdTiffEntry[],
  reading: Reading,
): Promise<ReadonlyMap<string, DataFile>> {
  const byFile = new Map<string, NdTiffEntry[]>();
  for (const entry of entries) {
    const own = byFile.get(entry.fileName);
    if (own === undefined) byFile.set(entry.fileName, [entry]);
    else own.push(entry);
  }
  const files = new Map<string, DataFile>();
  for (const [name, own] of byFile) {
    takeStep(reading);
    files.set(name, await openDataFile(folder, name, own));
  }
  return files;
}

/** An image has planes of one size and type. */
function refuseMixedPlanes(
  first: NdTiffEntry,
  entries: readonly NdTiffEntry[],
  file: string,
  { maxPlaneBytes }: ReadLimits,
): void {
  const inWords = ({ width, height, sampleType }: NdTiffEntry): string =>
    `${width} x ${height} ${sampleType}`;
  const other = entries.find((entry) => inWords(entry) !== inWords(first));
  if (other !== undefined) {
    throw unsupportedError("the planes of the NDTiff are not of one size and type", {
      code: "ndtiff-planes-differ",
      file,
      found: inWords(other),
      allowed: inWords(first),
      remedy: "Record images of one size and type in a folder of their own",
    });
  }
  if (planeBytes(first) <= maxPlaneBytes) return;
  throw unsupportedError("the planes of the NDTiff are larger than is allowed", {
    code: "ndtiff-plane-large",
    file,
    found: `${planeBytes(first)} bytes`,
    allowed: `${maxPlaneBytes} bytes`,
    remedy: "Save it in parts",
  });
}

function channelNamesOf({ ChNames }: DataFile["summary"]): readonly string[] {
  return Array.isArray(ChNames) ? ChNames.filter((name) => typeof name === "string") : [];
}

/** As Micro-Manager names them; some versions state the size of a pixel with each image only. */
function sizesStated(
  summary: DataFile["summary"],
  ofFirst: DataFile["ofFirst"],
): Pick<Acquisition, "pixelSize" | "timeIncrement"> {
  const number = (value: unknown): number => (typeof value === "number" ? Math.abs(value) : 0);
  const pixelUm = number(summary["PixelSize_um"]) || number(ofFirst["PixelSizeUm"]);
  const pixel = statedLength(pixelUm, "µm");
  const z = statedLength(number(summary["z-step_um"]), "µm");
  const timeIncrement = statedDuration(number(summary["Interval_ms"]), "ms");
  return { pixelSize: present({ x: pixel, y: pixel, z }), ...present({ timeIncrement }) };
}

function originalOf(summary: DataFile["summary"]): Acquisition["original"] {
  const text = JSON.stringify(summary);
  return text.length > longestText ? { kind: "none" } : { kind: "text", text };
}

function holesIn({ planes }: NdTiffPosition, all: number): string[] {
  const holes = all - planes.size;
  return holes === 0 ? [] : [`${holes} of ${all} planes were not taken: they are read as 0`];
}

function planeReader(
  { planes, lengths }: NdTiffPosition,
  acquisition: Acquisition,
  files: ReadonlyMap<string, DataFile>,
): PlaneReader {
  const { sizes, sampleType } = acquisition;
  return {
    acquisition,
    async readPlane(index, options) {
      options?.signal?.throwIfAborted();
      refuseOutside(index, acquisition);
      const target = options?.into ?? sampleTypes[sampleType].make(sizes.y * sizes.x);
      const entry = planes.get((index.t * lengths.c + index.c) * lengths.z + index.z);
      const data = entry && files.get(entry.fileName);
      if (entry === undefined || data === undefined) return target.fill(0);
      const source = await openByteSource(data.file);
      try {
        await readContiguous(source, data.byteOrder, entry.start, target);
        return target;
      } finally {
        await source.close();
      }
    },
  };
}

function noPlanes(file: string): EdgeError {
  return formatError("the NDTiff has no planes, or not yet", {
    code: "ndtiff-no-planes",
    file,
    remedy: "Wait until the acquisition has ended: some programs write the index at the end",
    retryable: true,
  });
}

function tooManyPositions(file: string, found: number, most: number): EdgeError {
  return unsupportedError("the NDTiff has more positions than are allowed", {
    code: "ndtiff-positions",
    file,
    found: String(found),
    allowed: String(most),
    remedy: "Split the acquisition",
  });
}
