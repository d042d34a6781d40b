import { basename } from "node:path";
import { type Acquisition, sampleTypes } from "../../core/acquisition.ts";
import { type EdgeError, formatError, isEdgeError, unsupportedError } from "../../core/errors.ts";
import { present } from "../../core/record.ts";
import { elementCount } from "../../core/tensor.ts";
import { type Reading, type ReadLimits, takeStep } from "../file/reading.ts";
import type { OpenedFile, PlaneReader, SeriesFound } from "../plane/plane-source.ts";
import { depthSizes, squeezed } from "../plane/stored-axes.ts";
import { gridOf, type ZarrArray } from "./array.ts";
import { arrayOfV2 } from "./array-v2.ts";
import { arrayOfV3 } from "./array-v3.ts";
import { type ChunkCount, checkChunks } from "./check-chunks.ts";
import { chunkBytes } from "./decode-chunk.ts";
import { type FoundImage, findImages } from "./find-images.ts";
import { readNode } from "./node.ts";
import { keptChunkBytes, zarrPlaneReader } from "./planes.ts";
import { openStore, type ZarrStore } from "./store.ts";

/** Longer descriptions are not carried into results. Characters. */
const longestText = 1 << 20;

/**
 * Reads the OME-Zarr in a folder, whole: each image is a series. All files of the full resolution are looked at, so that a chunk that
 * is cut refuses its image before a plane is read. Throws `EdgeError` where the folder holds no image.
 */
export async function findZarr(folder: string, limits: ReadLimits, reading: Reading): Promise<OpenedFile> {
  const store = await openStore(folder);
  const images = await findImages(store, limits);
  const series: SeriesFound[] = [];
  for (const [index, image] of images.entries()) {
    takeStep(reading);
    try {
      if (isEdgeError(image)) throw image;
      const place = { series: index, seriesCount: images.length };
      series.push(await readImage(store, image, place, limits, reading));
    } catch (error) {
      if (!isEdgeError(error)) throw error;
      series.push({ refusal: error });
    }
  }
  return { series, files: [folder], close: async () => undefined };
}

async function readImage(
  store: ZarrStore,
  { group, multiscale }: FoundImage,
  place: Pick<Acquisition, "series" | "seriesCount">,
  limits: ReadLimits,
  reading: Reading,
): Promise<PlaneReader> {
  const key = [group, multiscale.level].filter((part) => part !== "").join("/");
  const node = await readNode(store, key);
  if (node?.kind !== "array") throw missingArray(store.pathOf(key));
  const array = node.format === 2 ? arrayOfV2(node) : arrayOfV3(node);
  const { letters } = multiscale;
  if (array.shape.length !== letters.length + 2) throw otherAxes(array, letters.length + 2);
  refuseSizes(array, limits);
  const chunks = await checkChunks(store, array, reading);
  if (chunks.absent === chunks.all) throw noChunk(store.pathOf(key), chunks.all);
  const [y = 1, x = 1] = array.shape.slice(-2);
  const stored = { letters: letters.join("").toUpperCase(), lengths: array.shape.slice(0, -2) };
  const { letters: kept, lengths } = squeezed(stored);
  const sizes = { ...depthSizes(stored), y, x };
  const name = multiscale.name ?? basename(group);
  const { pixelSize, timeIncrement, channels, text } = multiscale;
  const acquisition: Acquisition = {
    file: store.folder,
    members: [store.pathOf(group)],
    ...place,
    ...(name === "" ? {} : { name }),
    make: "OME-Zarr",
    axes: `${kept}YX`,
    shape: [...lengths, y, x],
    sizes,
    sampleType: array.sampleType,
    pixelSize,
    ...present({ timeIncrement }),
    channels: Array.from({ length: sizes.c }, (_, c) => channels[c] ?? {}),
    compression: array.codecs.filter((codec) => codec !== "crc32c").join(", ") || "none",
    byteOrder: array.byteOrder,
    original: text.length > longestText ? { kind: "none" } : { kind: "text", text },
    notes: [...multiscale.notes, ...chunkNotes(array, chunks)],
  };
  return zarrPlaneReader({ store, array, letters }, acquisition);
}

function chunkNotes(array: ZarrArray, { all, absent }: ChunkCount): string[] {
  const notes: string[] = [];
  if (absent > 0) {
    notes.push(
      `${absent} of ${all} chunks are not in the OME-Zarr: as its format says, they are read as ${array.fill}; ` +
        "a copy that is not complete looks the same",
    );
  }
  const acrossPlane = elementCount(gridOf(array.shape, array.chunkShape).slice(-2));
  const planesInChunk = elementCount(array.chunkShape.slice(0, -2));
  if (array.codecs.length > 0 && planesInChunk > 1 && acrossPlane * chunkBytes(array) > keptChunkBytes) {
    notes.push(
      "the chunks hold so many planes that each is unpacked anew for each of its planes, which is slow",
    );
  }
  return notes;
}

/** Each is looked for, whether it is there or not: some 0.3 ms. */
const mostChunksInPlane = 2 ** 16;

function refuseSizes(
  { shape, chunkShape, sampleType, file }: ZarrArray,
  { maxPlanes, maxPlaneBytes }: ReadLimits,
): void {
  if (shape.includes(0)) {
    throw formatError("the image has no planes, or not yet", {
      code: "zarr-no-planes",
      file,
      found: shape.join(" x "),
      remedy: "Wait until it is written",
      retryable: true,
    });
  }
  const planes = elementCount(shape.slice(0, -2));
  const planeBytes = elementCount(shape.slice(-2)) * sampleTypes[sampleType].bytes;
  if (planes > maxPlanes || planeBytes > maxPlaneBytes) {
    throw unsupportedError("the image is larger than is allowed", {
      code: "zarr-image-large",
      file,
      found: `${planes} planes of ${planeBytes} bytes`,
      allowed: `${maxPlanes} planes of ${maxPlaneBytes} bytes`,
      remedy: "Save it in parts",
    });
  }
  const chunks = elementCount(gridOf(shape, chunkShape).slice(-2));
  if (chunks <= mostChunksInPlane) return;
  throw unsupportedError("the planes of the image are cut into more chunks than is allowed", {
    code: "zarr-chunks-many",
    file,
    found: `${chunks} chunks of ${chunkShape.slice(-2).join(" x ")}`,
    allowed: `${mostChunksInPlane}`,
    remedy: "Write the image again in larger chunks",
  });
}

function otherAxes({ file, shape }: ZarrArray, axes: number): EdgeError {
  return formatError("the array has other axes than the OME-Zarr describes", {
    code: "zarr-axes",
    file,
    found: `${shape.length} axes (${shape.join(" x ")})`,
    allowed: `${axes} axes`,
    remedy: "Write the image again",
  });
}

function missingArray(file: string): EdgeError {
  return formatError("the array with the full resolution is not there, or not yet", {
    code: "zarr-array-missing",
    file,
    remedy: "Wait until it is written, or copy the OME-Zarr again",
    retryable: true,
  });
}

/** By the format this is an image of nothing but the fill value, and nobody records one. */
function noChunk(file: string, all: number): EdgeError {
  return formatError("none of the image's chunks is there, or not yet", {
    code: "zarr-no-chunk",
    file,
    found: `0 of ${all} chunks`,
    remedy: "Wait until it is written, or copy the OME-Zarr again",
    retryable: true,
  });
}
