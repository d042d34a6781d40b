import { promisify } from "node:util";
import { deflate } from "node:zlib";
import { type SampleType, sampleTypes } from "../../core/acquisition.ts";
import type { OutputCompression } from "../plane-sink.ts";
import { differenceRows, spreadAndDifferenceRows } from "./encode-predictors.ts";
import type { OmeTiffLayout } from "./ome-tiff-layout.ts";

/** A plane's bytes as compressed strips, top to bottom. The bytes given are left as they are. */
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

/** Makes the encoder of a compressed layout: predictor, then compressor, all strips of a plane side by side. */
export async function createStripEncoder(
  layout: OmeTiffLayout,
  name: Exclude<OutputCompression, "none">,
): Promise<StripEncoder> {
  const compress = await compressors[name]();
  const predicted = new Uint8Array(layout.planeBytes);
  const stripBytes = layout.rowsPerStrip * layout.rowBytes;
  return async (plane) => {
    applyPredictor(plane, predicted, layout.rowBytes, layout.spec.sampleType);
    const strips: Promise<Uint8Array>[] = [];
    for (let start = 0; start < predicted.byteLength; start += stripBytes) {
      strips.push(compress(predicted.subarray(start, start + stripBytes)));
    }
    return Promise.all(strips);
  };
}

function applyPredictor(from: Uint8Array, to: Uint8Array, rowBytes: number, sampleType: SampleType): void {
  const { bytes, integer } = sampleTypes[sampleType];
  if (integer) differenceRows(from, to, rowBytes, bytes);
  else spreadAndDifferenceRows(from, to, rowBytes, bytes);
}
