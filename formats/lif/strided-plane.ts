import { type Samples, type SampleType, sampleTypes } from "../../core/acquisition.ts";
import type { ByteSource } from "../file/byte-source.ts";
import { readContiguous } from "../plane/contiguous-samples.ts";
import type { Stride } from "./layout.ts";

/** A plane whose samples lie at equal distances; little-endian. */
export interface StridedPlane {
  /** Byte of the first sample in the file. */
  readonly start: number;
  readonly sampleType: SampleType;
  readonly x: Stride;
  readonly y: Stride;
}

/** Of the file that are read at once where samples of other planes lie between; at least one sample. */
const pieceBytes = 1 << 20;

/** Reads a plane into `target`, `[Y, X]`. What lies in one piece is read straight into it, all else in pieces of bounded size. */
export async function readStridedPlane(
  source: ByteSource,
  plane: StridedPlane,
  target: Samples,
  signal?: AbortSignal,
): Promise<void> {
  const { start, x, y, sampleType } = plane;
  const { bytes, view } = sampleTypes[sampleType];
  const isWhole = (x.count === 1 || x.bytes === bytes) && (y.count === 1 || y.bytes === x.count * bytes);
  if (isWhole) return readContiguous(source, "little", start, target);
  // `step`: from one sample to the next in the target.
  const alongX = { ...x, step: 1 };
  const alongY = { ...y, step: x.count };
  const isTurned = y.count > 1 && y.bytes < x.bytes;
  const [inner, outer] = isTurned ? [alongY, alongX] : [alongX, alongY];
  const innerAtOnce = atOnce(inner);
  const outerAtOnce = innerAtOnce < inner.count ? 1 : atOnce(outer);
  for (let o = 0; o < outer.count; o += outerAtOnce) {
    for (let i = 0; i < inner.count; i += innerAtOnce) {
      signal?.throwIfAborted();
      const lines = Math.min(outerAtOnce, outer.count - o);
      const samples = Math.min(innerAtOnce, inner.count - i);
      const length = 1 + ((lines - 1) * outer.bytes + (samples - 1) * inner.bytes) / bytes;
      const piece = view(new ArrayBuffer(length * bytes), 0, length);
      await readContiguous(source, "little", start + o * outer.bytes + i * inner.bytes, piece);
      for (let line = 0; line < lines; line += 1) {
        let from = (line * outer.bytes) / bytes;
        let to = (o + line) * outer.step + i * inner.step;
        for (let sample = 0; sample < samples; sample += 1) {
          target[to] = piece[from] ?? 0;
          from += inner.bytes / bytes;
          to += inner.step;
        }
      }
    }
  }
}

function atOnce({ count, bytes }: Stride): number {
  return Math.min(count, Math.max(1, Math.floor(pieceBytes / Math.max(1, bytes))));
}
