import type { Samples } from "../../core/acquisition.ts";
import type { PlaneSource } from "../../formats/plane/plane-source.ts";
import { encodePng } from "../../formats/png.ts";

/** A plane before and after the model, `[height, width]` each, in the same units. */
export interface CoverField {
  readonly width: number;
  readonly height: number;
  readonly noisy: Samples;
  readonly denoised: Samples;
}

/** bioimage.io shows covers twice as wide as high. */
const coverWidth = 800;
/** A crop shows at most so many pixels across: enlarged, the noise can be seen. */
const mostAcross = 266;
/** Shares of the denoised pixels that become black and white. */
const blackShare = 0.02;
const whiteShare = 0.998;

/** The middle plane of the first channel. */
export async function coverFieldOf(noisy: PlaneSource, denoised: PlaneSource): Promise<CoverField> {
  const { sizes } = noisy.acquisition;
  const index = { t: 0, c: 0, z: Math.floor(sizes.z / 2) };
  return {
    width: sizes.x,
    height: sizes.y,
    noisy: await noisy.readPlane(index),
    denoised: await denoised.readPlane(index),
  };
}

/**
 * The cover of a package: the noisy field on the left of a slanting line, the denoised one on the right, at equal
 * contrast. Of a large field, the part that holds most; pixels are enlarged by a whole number. Grey PNG.
 */
export async function drawCover(field: CoverField): Promise<Uint8Array> {
  const cropWidth = Math.min(mostAcross, field.width, 2 * field.height);
  const cropHeight = Math.floor(cropWidth / 2);
  const scale = Math.max(1, Math.floor(coverWidth / cropWidth));
  const [left, top] = brightestCrop(field, cropWidth, cropHeight);
  const [width, height] = [cropWidth * scale, cropHeight * scale];
  const sorted = Float32Array.from(field.denoised).sort();
  const valueAt = (share: number): number => sorted[Math.round(share * (sorted.length - 1))] ?? 0;
  const black = valueAt(blackShare);
  const white = Math.max(valueAt(whiteShare), black + Number.EPSILON * Math.abs(black) + 1e-12);
  const picture = new Float32Array(width * height);
  for (let y = 0; y < height; y += 1) {
    // Slants by a fifth of the height about the middle.
    const border = width / 2 + (height / 2 - y) / 2.5;
    for (let x = 0; x < width; x += 1) {
      const at = (top + Math.floor(y / scale)) * field.width + left + Math.floor(x / scale);
      const value = (x < border ? field.noisy[at] : field.denoised[at]) ?? 0;
      picture[y * width + x] = Math.abs(x - border) < 1.5 ? white : value;
    }
  }
  return encodePng(picture, { width, height, black, white });
}

/** Where a crop's denoised pixels vary most, on a grid of half crops: structure, not empty ground or one bright blob. */
function brightestCrop(
  { width, height, denoised }: CoverField,
  cropWidth: number,
  cropHeight: number,
): [number, number] {
  let best: [number, number] = [0, 0];
  let most = -1;
  for (const top of startsOf(height, cropHeight)) {
    for (const left of startsOf(width, cropWidth)) {
      let [sum, squares] = [0, 0];
      for (let y = top; y < top + cropHeight; y += 2) {
        for (let x = left; x < left + cropWidth; x += 2) {
          const value = denoised[y * width + x] ?? 0;
          sum += value;
          squares += value * value;
        }
      }
      const count = Math.ceil(cropHeight / 2) * Math.ceil(cropWidth / 2);
      const variance = squares / count - (sum / count) ** 2;
      if (variance > most) {
        most = variance;
        best = [left, top];
      }
    }
  }
  return best;
}

function startsOf(length: number, crop: number): number[] {
  const count = Math.max(1, Math.ceil((2 * (length - crop)) / crop) + 1);
  return Array.from({ length: count }, (_, i) =>
    count === 1 ? Math.floor((length - crop) / 2) : Math.round((i * (length - crop)) / (count - 1)),
  );
}
