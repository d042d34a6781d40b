import { promisify } from "node:util";
import { deflate } from "node:zlib";
import { bytesOf, type Samples } from "../../core/acquisition.ts";
import type { OutputCompression } from "../plane/plane-sink.ts";
import { type OmeTiffLayout, plainStrips, planeFields, type Strips } from "./ome-tiff-layout.ts";
import {
  directoryBytes,
  directorySize,
  type FieldElsewhere,
  nextPointerAt,
  offsetBytes,
} from "./write-directory.ts";

/** A file that grows at its end, and may be mended before it. */
export interface Appender {
  /** Where the next byte will stand. */
  readonly end: () => number;
  /** Returns where `bytes` stand now. */
  readonly append: (bytes: Uint8Array) => Promise<number>;
  /** Moves the end up to the next boundary for directories and long values. */
  readonly align: () => void;
  readonly overwriteAt: (bytes: Uint8Array, position: number) => Promise<void>;
}

/** Pixels and directories of a file; `ome-tiff-sink.ts` tells why there are two arrangements. */
interface PlaneWriter {
  readonly writePlane: (samples: Samples) => Promise<void>;
  /** Ends the chain of directories; returns where it starts. */
  readonly writeDirectories: (description: FieldElsewhere) => Promise<number>;
}

/** Directories are gathered to writes of about this size. */
const gatherBytes = 2 ** 20;

/** Planes back to back, then all directories. */
export function plainPlaneWriter(layout: OmeTiffLayout, file: Appender): PlaneWriter {
  return {
    async writePlane(samples) {
      await file.append(bytesOf(samples));
    },
    async writeDirectories(description) {
      file.align();
      const start = file.end();
      let gathered: Uint8Array[] = [];
      let end = start;
      for (let index = 0; index < layout.planes; index += 1) {
        const fields = planeFields(layout, plainStrips(layout, index), index === 0 ? description : undefined);
        const next = end + directorySize(fields, layout.flavour);
        gathered.push(directoryBytes(fields, layout.flavour, end, index + 1 < layout.planes ? next : 0));
        end = next;
        if (end - file.end() < gatherBytes && index + 1 < layout.planes) continue;
        await file.append(Buffer.concat(gathered));
        gathered = [];
      }
      return start;
    },
  };
}

/** Each plane followed by its directory, but the first plane's, which waits for the description. */
export function compressedPlaneWriter(
  layout: OmeTiffLayout,
  file: Appender,
  encode: StripEncoder,
): PlaneWriter {
  const { flavour } = layout;
  let first: Strips | undefined;
  /** Where the directory of the second plane is; 0 until there is one. */
  let second = 0;
  /** Where the offset of the next directory is to be written. */
  let openPointer = 0;

  return {
    async writePlane(samples) {
      const encoded = await encode(bytesOf(samples));
      const offsets: number[] = [];
      for (const bytes of encoded) offsets.push(await file.append(bytes));
      const strips = { offsets, byteCounts: encoded.map((bytes) => bytes.byteLength) };
      if (first === undefined) {
        first = strips;
        return;
      }
      file.align();
      const fields = planeFields(layout, strips);
      const at = await file.append(directoryBytes(fields, flavour, file.end(), 0));
      if (second === 0) second = at;
      else await file.overwriteAt(offsetBytes(at, flavour), openPointer);
      openPointer = at + nextPointerAt(fields.length, flavour);
    },
    async writeDirectories(description) {
      file.align();
      const fields = planeFields(layout, first ?? plainStrips(layout, 0), description);
      return file.append(directoryBytes(fields, flavour, file.end(), second));
    },
  };
}

/** A plane's bytes as compressed strips, top to bottom. */
type StripEncoder = (plane: Uint8Array) => Promise<readonly Uint8Array[]>;

type Compressor = (bytes: Uint8Array) => Promise<Uint8Array>;

const deflateAsync = promisify<Uint8Array, { level: number }, Buffer>(deflate);

/** The fastest levels: on noisy pixels higher ones take several times as long for a few per cent. */
const deflateLevel = 1;
const zstdLevel = 1;

const compressors: Readonly<Record<Exclude<OutputCompression, "none">, () => Promise<Compressor>>> = {
  deflate: () => Promise.resolve((bytes) => deflateAsync(bytes, { level: deflateLevel })),
  zstd: async () => {
    // node:zlib has zstd from Node 22.15 on only.
    const { Zstd } = await import("@hpcc-js/wasm-zstd");
    const zstd = await Zstd.load();
    return async (bytes) => zstd.compress(bytes, zstdLevel);
  },
};

/**
 * Makes the encoder of a compressed layout; strips of a plane are compressed side by side. There is no predictor on
 * purpose: ImageJ 1.52 ignores it under deflate and shows wrong samples without a word, Bio-Formats 6 refuses the
 * one for floats, and on noisy or denoised pictures it saves a few per cent only.
 */
export async function createStripEncoder(
  layout: OmeTiffLayout,
  name: Exclude<OutputCompression, "none">,
): Promise<StripEncoder> {
  const compress = await compressors[name]();
  const stripBytes = layout.rowsPerStrip * layout.rowBytes;
  return (plane) => {
    const strips: Promise<Uint8Array>[] = [];
    for (let start = 0; start < plane.byteLength; start += stripBytes) {
      strips.push(compress(plane.subarray(start, start + stripBytes)));
    }
    return Promise.all(strips);
  };
}
