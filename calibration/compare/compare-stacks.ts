import type { Acquisition } from "../../core/acquisition.ts";
import { usageError } from "../../core/errors.ts";
import type { PlaneSource } from "../../formats/plane-source.ts";
import { blockGrid } from "../metrics/block-grid.ts";
import { resolutionPixels, ringCorrelation } from "../metrics/fourier-ring-correlation.ts";
import { lineThrough } from "../metrics/linearity.ts";
import { psnrOf, squaredErrorSum } from "../metrics/mean-squared-error.ts";
import { crossCorrelation } from "../metrics/phase-correlation.ts";
import {
  publishedSsim,
  publishedSsim3d,
  scikitImageSsim,
  ssimStream,
} from "../metrics/structural-similarity.ts";

/** How one stack looks against another that is taken for the reference; its noise counts as error. */
export interface Comparison {
  readonly mean_squared_error: number;
  readonly psnr_db: number;
  readonly ssim_published_7x7: number;
  readonly ssim_published_7x7x7: number;
  readonly ssim_scikit_image_gaussian: number;
  /** Where the ring correlation falls below 1/7, pixels per cycle; null where it never does. */
  readonly resolution_px: number | null;
  /** Block means: image = slope · reference + offset. */
  readonly slope: number;
  readonly offset: number;
  readonly shift_y_px: number;
  readonly shift_x_px: number;
  readonly data_range: number;
}

/**
 * Compares all planes of all channels and times. `dataRange` is the reference's largest less smallest value where
 * absent (scikit-image's habit), for which the reference is read twice.
 */
export async function compareStacks(
  image: PlaneSource,
  reference: PlaneSource,
  options: { readonly dataRange?: number | undefined; readonly signal?: AbortSignal | undefined } = {},
): Promise<Comparison> {
  const { sizes } = reference.acquisition;
  refuseOtherSizes(image.acquisition, reference.acquisition);
  const { signal } = options;
  const dataRange = options.dataRange ?? (await rangeOf(reference, signal));
  const shape = { height: sizes.y, width: sizes.x };
  const error = squaredErrorSum();
  const rings = ringCorrelation(shape);
  const flat = ssimStream(publishedSsim, shape, dataRange);
  const wang = ssimStream(scikitImageSsim, shape, dataRange);
  const grid = blockGrid(shape);
  const projections = [new Float32Array(grid.blockOf.length), new Float32Array(grid.blockOf.length)] as const;
  const deep: number[] = [];
  const blocks: { image: number[]; reference: number[] } = { image: [], reference: [] };

  for (let t = 0; t < sizes.t; t += 1) {
    for (let c = 0; c < sizes.c; c += 1) {
      const volume = ssimStream(publishedSsim3d, shape, dataRange);
      for (let z = 0; z < sizes.z; z += 1) {
        signal?.throwIfAborted();
        const [a, b] = await Promise.all([image.readPlane({ t, c, z }), reference.readPlane({ t, c, z })]);
        error.add(a, b);
        rings.add(a, b);
        flat.add(a, b);
        wang.add(a, b);
        volume.add(a, b);
        blocks.image.push(...blockMeans(a, grid));
        blocks.reference.push(...blockMeans(b, grid));
        [a, b].forEach((plane, index) => {
          const sum = projections[index === 0 ? 0 : 1];
          for (let at = 0; at < sum.length; at += 1) sum[at] = (sum[at] ?? 0) + (plane[at] ?? 0);
        });
      }
      deep.push(volume.finish());
    }
  }
  const line = lineThrough(
    blocks.reference,
    blocks.image,
    blocks.image.map(() => 1),
  );
  const shift = crossCorrelation(projections[1], projections[0], shape);
  return {
    mean_squared_error: error.mean(),
    psnr_db: psnrOf(error.mean(), dataRange),
    ssim_published_7x7: flat.finish(),
    ssim_published_7x7x7: deep.reduce((sum, value) => sum + value, 0) / deep.length,
    ssim_scikit_image_gaussian: wang.finish(),
    resolution_px: resolutionPixels(rings.curve()) ?? null,
    slope: line.slope,
    offset: line.offset,
    shift_y_px: shift.y,
    shift_x_px: shift.x,
    data_range: dataRange,
  };
}

async function rangeOf(source: PlaneSource, signal: AbortSignal | undefined): Promise<number> {
  const { sizes } = source.acquisition;
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (let t = 0; t < sizes.t; t += 1) {
    for (let c = 0; c < sizes.c; c += 1) {
      for (let z = 0; z < sizes.z; z += 1) {
        signal?.throwIfAborted();
        for (const value of await source.readPlane({ t, c, z })) {
          if (value < low) low = value;
          if (value > high) high = value;
        }
      }
    }
  }
  if (high > low) return high - low;
  throw usageError("the reference is the same everywhere, so nothing can be compared with it", {
    code: "compare-empty",
    file: source.acquisition.file,
    remedy: "Check that the right file and channel are given",
  });
}

function blockMeans(
  plane: ArrayLike<number>,
  { count, blockOf }: ReturnType<typeof blockGrid>,
): Float64Array {
  const sums = new Float64Array(count);
  const pixels = new Float64Array(count);
  for (let at = 0; at < plane.length; at += 1) {
    const block = blockOf[at] ?? 0;
    sums[block] = (sums[block] ?? 0) + (plane[at] ?? 0);
    pixels[block] = (pixels[block] ?? 0) + 1;
  }
  return sums.map((sum, block) => sum / (pixels[block] ?? 1));
}

/** Throws `EdgeError` (`usage`) where two images have not the same size along each axis. */
export function refuseOtherSizes(image: Acquisition, reference: Acquisition): void {
  const sizes = ({ sizes: { t, c, z, y, x } }: Acquisition) => [t, c, z, y, x].join(" x ");
  if (sizes(image) === sizes(reference)) return;
  throw usageError("the two files do not have the same size", {
    code: "compare-sizes",
    file: image.file,
    found: `${sizes(image)} (T, C, Z, Y, X)`,
    allowed: `${sizes(reference)} as in ${reference.file}`,
    remedy: "Compare files that show the same field in the same size",
  });
}
