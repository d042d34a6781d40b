import { promisify } from "node:util";
import { deflate } from "node:zlib";
import type { OutputCompression } from "../plane/plane-sink.ts";
import type { OmeTiffLayout } from "./ome-tiff-layout.ts";

/** A plane's bytes as compressed strips, top to bottom. */
export type StripEncoder = (plane: Uint8Array) => Promise<readonly Uint8Array[]>;

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
