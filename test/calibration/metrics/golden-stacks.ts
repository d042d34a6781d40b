import { join } from "node:path";
import { type Samples, sampleTypes } from "../../../core/acquisition.ts";
import { openByteSource } from "../../../formats/file/byte-source.ts";
import { readNpyHeader } from "../../../formats/npy.ts";

export const fixtures = join(import.meta.dirname, "../../fixtures/calibration");

export interface Stack {
  readonly planes: readonly Samples[];
  readonly shape: { readonly height: number; readonly width: number };
}

/** Reads a `[Z, Y, X]` array of test/fixtures/calibration. */
export async function readStack(name: string): Promise<Stack> {
  const source = await openByteSource(join(fixtures, name));
  try {
    const { shape, sampleType, dataOffset } = await readNpyHeader(source);
    const [depth = 0, height = 0, width = 0] = shape;
    const { bytes, view } = sampleTypes[sampleType];
    const length = height * width;
    const buffer = new ArrayBuffer(depth * length * bytes);
    await source.readInto(new Uint8Array(buffer), dataOffset);
    const planes = Array.from({ length: depth }, (_, z) => view(buffer, z * length * bytes, length));
    return { planes, shape: { height, width } };
  } finally {
    await source.close();
  }
}
