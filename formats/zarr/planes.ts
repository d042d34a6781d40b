import { type Acquisition, type Samples, sampleTypes } from "../../core/acquisition.ts";
import { readContiguous, swapUnlessNative } from "../plane/contiguous-samples.ts";
import { type PlaneIndex, type PlaneReader, refuseOutside } from "../plane/plane-source.ts";
import type { ZarrArray } from "./array.ts";
import { type ChunkFile, openChunkFile, refuseTorn, torn } from "./chunk-file.ts";
import { chunkBytes, decodeChunk } from "./decode-chunk.ts";
import { type KeptChunks, keptChunks } from "./kept-chunks.ts";
import type { ZarrStore } from "./store.ts";

/** An array whose last axes are Y and X. `letters`: those before, of T, C and Z, slowest first. */
export interface ImageArray {
  readonly store: ZarrStore;
  readonly array: ZarrArray;
  readonly letters: readonly ("t" | "c" | "z")[];
}

/** Bytes of decoded chunks that are kept, in images whose chunks hold several planes. */
export const keptChunkBytes = 512 * 2 ** 20;

/** A part of a plane that one chunk holds: its first sample, and how many rows and columns. */
interface Part {
  readonly top: number;
  readonly left: number;
  readonly rows: number;
  readonly columns: number;
  /** In the grid of chunks. */
  readonly place: readonly number[];
  /** Samples from the start of the chunk to the first of this part. */
  readonly offset: number;
}

/** Reads planes out of the chunks that they lie in. What the store leaves out has the array's fill value. */
export function zarrPlaneReader(image: ImageArray, acquisition: Acquisition): PlaneReader {
  const { array } = image;
  const { sizes } = acquisition;
  const kept = keptChunks(keptChunkBytes);
  return {
    acquisition,
    async readPlane(index, options) {
      refuseOutside(index, acquisition);
      const target = options?.into ?? sampleTypes[array.sampleType].make(sizes.y * sizes.x);
      const files = openedFiles(image);
      try {
        for (const part of partsOf(image, index, sizes)) {
          options?.signal?.throwIfAborted();
          await readPart(await files.of(part.place), part, { array, kept, target, width: sizes.x });
        }
      } finally {
        await files.close();
      }
      return target;
    },
  };
}

/** Files of one plane: each is opened once. */
function openedFiles({ store, array }: ImageArray) {
  const opened = new Map<string, ChunkFile | undefined>();
  return {
    async of(place: readonly number[]): Promise<ChunkFile | undefined> {
      const { fileShape, chunkShape } = array;
      const filePlace = place.map((at, axis) => {
        return Math.floor((at * (chunkShape[axis] ?? 1)) / (fileShape[axis] ?? 1));
      });
      const key = filePlace.join("/");
      if (!opened.has(key)) opened.set(key, await openChunkFile(store, array, filePlace));
      return opened.get(key);
    },
    async close(): Promise<void> {
      for (const file of opened.values()) await file?.source.close();
    },
  };
}

function* partsOf(
  { array, letters }: ImageArray,
  index: PlaneIndex,
  { y, x }: Acquisition["sizes"],
): Generator<Part> {
  const { chunkShape } = array;
  const [height = 1, width = 1] = chunkShape.slice(-2);
  const stride = stridesOf(array);
  const before = letters.map((letter) => index[letter]);
  const offset = before.reduce(
    (sum, at, axis) => sum + (at % (chunkShape[axis] ?? 1)) * (stride[axis] ?? 0),
    0,
  );
  const outer = before.map((at, axis) => Math.floor(at / (chunkShape[axis] ?? 1)));
  for (let top = 0; top < y; top += height) {
    for (let left = 0; left < x; left += width) {
      const place = [...outer, top / height, left / width];
      yield { top, left, rows: Math.min(height, y - top), columns: Math.min(width, x - left), place, offset };
    }
  }
}

/** Samples of a chunk from one place to the next along each axis of the array. */
function stridesOf({ chunkShape, order }: ZarrArray): number[] {
  const strides = new Array<number>(chunkShape.length).fill(1);
  let stride = 1;
  for (const axis of order.toReversed()) {
    strides[axis] = stride;
    stride *= chunkShape[axis] ?? 1;
  }
  return strides;
}

interface PartReading {
  readonly array: ZarrArray;
  readonly kept: KeptChunks;
  /** `[Y, X]`, `width` samples a row. */
  readonly target: Samples;
  readonly width: number;
}

async function readPart(file: ChunkFile | undefined, part: Part, reading: PartReading): Promise<void> {
  const { array, kept, target, width } = reading;
  const stored = file?.chunkAt(part.place);
  if (file === undefined || stored === undefined) {
    for (let row = part.top; row < part.top + part.rows; row += 1) {
      const start = row * width + part.left;
      target.fill(array.fill, start, start + part.columns);
    }
    return;
  }
  const stride = stridesOf(array);
  const [alongY = 1, alongX = 1] = stride.slice(-2);
  const chunkWidth = array.chunkShape.at(-1) ?? 1;
  const { bytes, make } = sampleTypes[array.sampleType];
  if (array.codecs.length === 0 && alongX === 1 && alongY === chunkWidth) {
    await refuseTorn(file, stored, array);
    const start = stored.start + part.offset * bytes;
    const isWhole = part.columns === width && chunkWidth === width;
    const rows = isWhole
      ? target.subarray(part.top * width, (part.top + part.rows) * width)
      : make(part.rows * chunkWidth);
    await readContiguous(file.source, array.byteOrder, start, rows);
    if (!isWhole) copyPart(rows, { ...part, offset: 0 }, [alongY, alongX], target, width);
    return;
  }
  const decode = () => decoded(file, stored, array);
  const holdsPlanes = array.chunkShape.slice(0, -2).some((length) => length > 1);
  const samples = holdsPlanes
    ? await kept.get(part.place.join("/"), chunkBytes(array), decode)
    : await decode();
  copyPart(samples, part, [alongY, alongX], target, width);
}

async function decoded(
  file: ChunkFile,
  stored: NonNullable<ReturnType<ChunkFile["chunkAt"]>>,
  array: ZarrArray,
): Promise<Samples> {
  await refuseTorn(file, stored, array);
  // No writer makes a chunk much longer by packing it.
  const most = 2 * chunkBytes(array) + 65_536;
  if (stored.bytes > most) throw torn(file.source, `a chunk of ${stored.bytes} bytes`, `at most ${most}`);
  const packed = new Uint8Array(stored.bytes);
  await file.source.readInto(packed, stored.start);
  const bytes = await decodeChunk(packed, array);
  if (bytes === undefined) {
    throw torn(
      file.source,
      `${stored.bytes} bytes that ${array.codecs.toReversed().join(" and ")} cannot unpack`,
      `${chunkBytes(array)} bytes of samples`,
    );
  }
  const facts = sampleTypes[array.sampleType];
  // A typed array begins at a multiple of its values' size.
  const own = bytes.byteOffset % facts.bytes === 0 ? bytes : new Uint8Array(bytes);
  swapUnlessNative(own, facts.bytes, array.byteOrder);
  return facts.view(own.buffer, own.byteOffset, own.byteLength / facts.bytes);
}

/** `strides`: samples of the chunk from row to row, and from column to column. */
function copyPart(
  samples: Samples,
  { top, left, rows, columns, offset }: Part,
  [alongY, alongX]: readonly [number, number],
  target: Samples,
  width: number,
): void {
  for (let row = 0; row < rows; row += 1) {
    const from = offset + row * alongY;
    const to = (top + row) * width + left;
    if (alongX === 1) target.set(samples.subarray(from, from + columns), to);
    else
      for (let column = 0; column < columns; column += 1)
        target[to + column] = samples[from + column * alongX] ?? 0;
  }
}
