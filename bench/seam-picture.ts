import sharp from "sharp";
import type { StackShape } from "../runtime/plan/tile-plan.ts";

/** Volumes are `[depth, height, width]`; borders per axis, the border `i` between the elements `i` and `i + 1`. */
export interface SeamPicture {
  readonly shape: StackShape;
  readonly untiled: Float32Array;
  readonly tiled: Float32Array;
  /** Relative to the input's range. */
  readonly difference: Float32Array;
  /** The voxel through which the volumes are cut. */
  readonly worst: number;
  readonly borders: readonly (readonly number[])[];
}

/** A difference of this share of the range is white, its negative black. */
const fullScale = 0.05;
/** Planes and pixels of the stack are this many pixels of the picture. */
const [planePixels, pixels] = [3, 2];
const [margin, tick] = [10, 7];

/**
 * Untiled, tiled, and their difference side by side; of each the plane, under it the XZ cut, right of it the YZ cut, all
 * through the worst voxel. Ticks outside stand where tiles begin or end.
 */
export async function pictureSeams(
  file: string,
  picture: SeamPicture,
  display: readonly [black: number, white: number],
): Promise<void> {
  const [depth, height, width] = picture.shape;
  const viewWidth = pixels * width + planePixels * depth + 3 * margin;
  const size = { width: 3 * viewWidth, height: pixels * height + planePixels * depth + 3 * margin };
  const canvas = new Uint8Array(size.width * size.height).fill(255);
  const views = [
    [picture.untiled, ...display],
    [picture.tiled, ...display],
    [picture.difference, -fullScale, fullScale],
  ] as const;
  for (const [k, [volume, black, white]] of views.entries()) {
    const grey = (index: number): number =>
      Math.min(255, Math.max(0, (255 * ((volume[index] ?? 0) - black)) / (white - black)));
    drawView(canvas, size.width, k * viewWidth, picture, grey);
  }
  await sharp(canvas, { raw: { ...size, channels: 1 } })
    .toColourspace("b-w")
    .png({ compressionLevel: 9 })
    .toFile(file);
}

function drawView(
  canvas: Uint8Array,
  canvasWidth: number,
  left: number,
  { shape, worst, borders }: SeamPicture,
  greyAt: (index: number) => number,
): void {
  const [depth, height, width] = shape;
  const [planeAt, rowAt, columnAt] = [
    Math.floor(worst / (height * width)),
    Math.floor(worst / width) % height,
    worst % width,
  ];
  const [cutLeft, cutTop] = [left + 2 * margin + pixels * width, 2 * margin + pixels * height];
  const voxel = (z: number, y: number, x: number): number => (z * height + y) * width + x;
  const fill = (x: number, y: number, w: number, h: number, grey: number): void => {
    for (let row = y; row < y + h; row += 1)
      canvas.fill(grey, row * canvasWidth + x, row * canvasWidth + x + w);
  };
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const at = [left + margin + pixels * x, margin + pixels * y] as const;
      fill(...at, pixels, pixels, greyAt(voxel(planeAt, y, x)));
    }
  }
  for (let z = 0; z < depth; z += 1) {
    for (let x = 0; x < width; x += 1) {
      const at = [left + margin + pixels * x, cutTop + planePixels * z] as const;
      fill(...at, pixels, planePixels, greyAt(voxel(z, rowAt, x)));
    }
    for (let y = 0; y < height; y += 1) {
      const at = [cutLeft + planePixels * z, margin + pixels * y] as const;
      fill(...at, planePixels, pixels, greyAt(voxel(z, y, columnAt)));
    }
  }
  const [depths = [], heights = [], widths = []] = borders;
  for (const border of widths) fill(left + margin + pixels * (border + 1), 1, 1, tick, 0);
  for (const border of heights) fill(left + 1, margin + pixels * (border + 1), tick, 1, 0);
  for (const border of depths) {
    fill(left + 1, cutTop + planePixels * (border + 1), tick, 1, 0);
    fill(cutLeft + planePixels * (border + 1), 1, 1, tick, 0);
  }
}
