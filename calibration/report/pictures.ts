import { encodePng } from "../../formats/png.ts";
import type { ShownPlane } from "../measure/measure-level.ts";
import type { PlaneShape } from "../metrics/local-moments.ts";

/** A square part of a plane. */
export interface Crop {
  readonly top: number;
  readonly left: number;
  readonly side: number;
}

const cropSide = 160;

/** The part of the reference with most contrast, on a coarse grid: the same for all levels. */
export function chooseCrop(reference: Float32Array, { height, width }: PlaneShape): Crop {
  const side = Math.min(cropSide, height, width);
  const step = Math.max(8, Math.floor(side / 4));
  let best: Crop = { top: 0, left: 0, side };
  let most = Number.NEGATIVE_INFINITY;
  for (let top = 0; top + side <= height; top += step) {
    for (let left = 0; left + side <= width; left += step) {
      let sum = 0;
      let squares = 0;
      for (let row = top; row < top + side; row += 2) {
        for (let column = left; column < left + side; column += 2) {
          const value = reference[row * width + column] ?? 0;
          sum += value;
          squares += value * value;
        }
      }
      const count = Math.ceil(side / 2) ** 2;
      const contrast = squares / count - (sum / count) ** 2;
      if (contrast > most) {
        most = contrast;
        best = { top, left, side };
      }
    }
  }
  return best;
}

export function cropped(plane: Float32Array, width: number, { top, left, side }: Crop): Float32Array {
  const part = new Float32Array(side * side);
  for (let row = 0; row < side; row += 1) {
    const from = (top + row) * width + left;
    part.set(plane.subarray(from, from + side), row * side);
  }
  return part;
}

/** Differences as a data URL: white is none, red more, blue less; `full` is full colour. */
async function differencePicture(
  values: Float32Array,
  width: number,
  height: number,
  full: number,
): Promise<string> {
  const rgb = new Uint8Array(3 * values.length);
  values.forEach((value, at) => {
    const share = Math.max(-1, Math.min(1, full > 0 ? value / full : 0));
    const end = share < 0 ? blue : red;
    end.forEach((channel, index) => {
      rgb[3 * at + index] = Math.round(255 + (channel - 255) * Math.abs(share));
    });
  });
  const { default: sharp } = await import("sharp");
  return dataUrl(
    await sharp(rgb, { raw: { width, height, channels: 3 } })
      .png()
      .toBuffer(),
  );
}

const red = [178, 24, 43] as const;
const blue = [33, 102, 172] as const;

export interface LevelPictures {
  readonly averages: number;
  readonly raw: string;
  readonly denoised: string;
  readonly reference: string;
  /** Input minus denoised: what was taken away. */
  readonly residual: string;
  /** Denoised minus reference. */
  readonly error: string;
  /** Standard deviations of 8 x 8 squares over the whole plane; absent where noise cannot be measured. */
  readonly deviations?: string;
}

/** Pictures of one level; grey ones share `black` and `white`, differences share `full`. */
export async function levelPictures(
  averages: number,
  shown: ShownPlane,
  shape: PlaneShape,
  crop: Crop,
  { black, white, full }: { readonly black: number; readonly white: number; readonly full: number },
): Promise<LevelPictures> {
  const { side } = crop;
  const part = (plane: Float32Array) => cropped(plane, shape.width, crop);
  const [raw, denoised, reference] = [part(shown.raw), part(shown.denoised), part(shown.reference)];
  const grey = {
    width: side,
    height: side,
    black,
    white: white > black ? white : black + 1,
  };
  const picture = async (plane: Float32Array) => dataUrl(await encodePng(plane, grey));
  const difference = (a: Float32Array, b: Float32Array) => {
    const values = a.map((value, at) => value - (b[at] ?? 0));
    return differencePicture(values, side, side, full);
  };
  const map = shown.differences;
  return {
    averages,
    raw: await picture(raw),
    denoised: await picture(denoised),
    reference: await picture(reference),
    residual: await difference(raw, denoised),
    error: await difference(denoised, reference),
    ...(map === undefined
      ? {}
      : { deviations: await differencePicture(map.deviations, map.columns, map.rows, 6) }),
  };
}

function dataUrl(png: Uint8Array): string {
  return `data:image/png;base64,${Buffer.from(png).toString("base64")}`;
}
