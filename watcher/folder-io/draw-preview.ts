import type { Samples } from "../../core/acquisition.ts";
import type { PlaneSource } from "../../formats/plane/plane-source.ts";
import { encodePng } from "../../formats/png.ts";

/** Longest side of each half, in pixels. */
const largestSide = 384;
const gap = 4;
/** Largest PNG, in bytes, so that the message stays far below what brokers allow. */
const largestPngBytes = 192 * 1024;

/**
 * The middle plane before and after, side by side, with one display range for both: the 0.5th and 99.8th
 * percentile of the noisy plane. For looking at, not for measuring.
 */
export async function drawPreview(noisy: PlaneSource, denoised: PlaneSource) {
  const { sizes } = noisy.acquisition;
  const plane = { t: Math.floor(sizes.t / 2), c: 0, z: Math.floor(sizes.z / 2) };
  const before = await noisy.readPlane(plane);
  const after = await denoised.readPlane(plane);
  for (let side = largestSide; ; side = Math.floor(side / 2)) {
    const factor = Math.max(1, Math.ceil(Math.max(sizes.x, sizes.y) / side));
    const left = shrink(before, sizes.x, sizes.y, factor);
    const right = shrink(after, sizes.x, sizes.y, factor);
    const displayRange = rangeOf(left.values);
    const width = 2 * left.width + gap;
    const grey = Buffer.alloc(width * left.height, 255);
    draw(left, grey, width, 0, displayRange);
    draw(right, grey, width, left.width + gap, displayRange);
    const png = await encodePng(grey, { width, height: left.height, black: 0, white: 255 });
    if (png.byteLength > largestPngBytes && side > 32) continue;
    return { png: Buffer.from(png).toString("base64"), width, height: left.height, plane, displayRange };
  }
}

type Small = ReturnType<typeof shrink>;

/** Every `factor`-th pixel: a mean would hide the noise that the picture is there to show. */
function shrink(samples: Samples, width: number, height: number, factor: number) {
  const smallWidth = Math.max(1, Math.floor(width / factor));
  const smallHeight = Math.max(1, Math.floor(height / factor));
  const values = new Float64Array(smallWidth * smallHeight);
  for (let y = 0; y < smallHeight; y += 1) {
    for (let x = 0; x < smallWidth; x += 1) {
      values[y * smallWidth + x] = samples[y * factor * width + x * factor] ?? 0;
    }
  }
  return { values, width: smallWidth, height: smallHeight };
}

function rangeOf(values: Float64Array): [number, number] {
  const sorted = values.filter(Number.isFinite).sort();
  if (sorted.length === 0) return [0, 1];
  const at = (share: number): number => sorted[Math.round(share * (sorted.length - 1))] ?? 0;
  const low = at(0.005);
  const high = at(0.998);
  return high > low ? [low, high] : [low, low + 1];
}

/** A Uint8 conversion of NaN gives 0, black. */
function draw(small: Small, target: Buffer, width: number, left: number, [low, high]: [number, number]) {
  for (let y = 0; y < small.height; y += 1) {
    for (let x = 0; x < small.width; x += 1) {
      const grey = (((small.values[y * small.width + x] ?? 0) - low) / (high - low)) * 255;
      target[y * width + left + x] = Math.min(255, Math.max(0, Math.round(grey)));
    }
  }
}
