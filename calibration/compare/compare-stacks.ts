import type { Acquisition, Samples } from "../../core/acquisition.ts";
import { usageError } from "../../core/errors.ts";
import { type PlaneSource, planesIn } from "../../formats/plane/plane-source.ts";
import { type Agreement, agreementSums } from "../metrics/agreement.ts";
import { blockGrid, blockMeansOf } from "../metrics/block-grid.ts";
import { resolutionPixels, ringCorrelation } from "../metrics/fourier-ring-correlation.ts";
import { lineThrough } from "../metrics/linearity.ts";
import { psnrOf } from "../metrics/mean-squared-error.ts";
import { addTo } from "../metrics/noisy-references.ts";
import { crossCorrelation } from "../metrics/phase-correlation.ts";
import { ssimDefinitions, ssimStream } from "../metrics/structural-similarity.ts";

/**
 * How one stack looks against another that is taken for the reference; its noise counts as error. All planes, channels
 * and times of a file together. What each figure is, in words for users: `comparison-definitions.ts`.
 */
export interface StackComparison {
  /** As is; infinite where no error is left. */
  readonly psnr_db: number;
  /** After `fit_gain · file + fit_offset`. */
  readonly fitted_psnr_db: number;
  readonly mean_squared_error: number;
  readonly fitted_mean_squared_error: number;
  readonly fit_gain: number;
  readonly fit_offset: number;
  readonly ssim_published_7x7: number;
  readonly ssim_published_7x7x7: number;
  readonly ssim_scikit_image_gaussian: number;
  readonly fitted_ssim_scikit_image_gaussian: number;
  /** Where the ring correlation falls below 1/7, pixels per cycle; null where it never does. */
  readonly resolution_px: number | null;
  /** Block means: file = block_mean_slope · reference + block_mean_offset. */
  readonly block_mean_slope: number;
  readonly block_mean_offset: number;
  /** All pixels: file = pixel_slope · reference + …; noise of the reference lowers it. */
  readonly pixel_slope: number;
  readonly shift_y_px: number;
  readonly shift_x_px: number;
  readonly data_range: number;
}

export interface CompareOptions {
  /** For PSNR and SSIM; absent: the reference's largest minus its smallest value (scikit-image's habit). */
  readonly dataRange?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Reads both twice: SSIM needs the range and the fit, which only the whole stack tells. */
export async function compareStacks(
  image: PlaneSource,
  reference: PlaneSource,
  options: CompareOptions = {},
): Promise<StackComparison> {
  refuseOtherSizes(image.acquisition, reference.acquisition);
  const { sizes } = reference.acquisition;
  const shape = { height: sizes.y, width: sizes.x };
  const agreement = agreementSums();
  const rings = ringCorrelation(shape);
  const grid = blockGrid(shape);
  const projections = [new Float32Array(sizes.y * sizes.x), new Float32Array(sizes.y * sizes.x)] as const;
  const blocks: { image: number[]; reference: number[] } = { image: [], reference: [] };
  await eachPlane(image, reference, options.signal, (a, b) => {
    agreement.add(a, b);
    rings.add(a, b);
    blocks.image.push(...blockMeansOf(a, grid));
    blocks.reference.push(...blockMeansOf(b, grid));
    addTo(projections[0], a);
    addTo(projections[1], b);
  });
  const agreed = agreement.measure();
  if (options.dataRange === undefined && !(agreed.referenceRange > 0)) {
    throw usageError("the reference is the same everywhere, so nothing can be compared with it", {
      code: "compare-empty",
      file: reference.acquisition.file,
      remedy: "Check that the right file and channel are given",
    });
  }
  const dataRange = options.dataRange ?? agreed.referenceRange;
  const line = lineThrough(blocks.reference, blocks.image);
  const shift = crossCorrelation(projections[1], projections[0], shape);
  return {
    psnr_db: psnrOf(agreed.meanSquaredError, dataRange),
    fitted_psnr_db: psnrOf(agreed.fittedMeanSquaredError, dataRange),
    mean_squared_error: agreed.meanSquaredError,
    fitted_mean_squared_error: agreed.fittedMeanSquaredError,
    fit_gain: agreed.fitGain,
    fit_offset: agreed.fitOffset,
    ...(await similarities(image, reference, { ...options, dataRange, fit: agreed })),
    resolution_px: resolutionPixels(rings.curve()) ?? null,
    block_mean_slope: line.slope,
    block_mean_offset: line.offset,
    pixel_slope: agreed.pixelSlope,
    shift_y_px: shift.y,
    shift_x_px: shift.x,
    data_range: dataRange,
  };
}

type Similarities = Pick<StackComparison, Extract<keyof StackComparison, `${string}ssim${string}`>>;

async function similarities(
  image: PlaneSource,
  reference: PlaneSource,
  given: CompareOptions & { readonly dataRange: number; readonly fit: Agreement },
): Promise<Similarities> {
  const { dataRange, fit, signal } = given;
  const { sizes } = reference.acquisition;
  const shape = { height: sizes.y, width: sizes.x };
  const { published, published3d, scikitImage } = ssimDefinitions;
  const flat = ssimStream(published, shape, dataRange);
  const wang = ssimStream(scikitImage, shape, dataRange);
  const fitted = ssimStream(scikitImage, shape, dataRange);
  const deep: number[] = [];
  let volume = ssimStream(published3d, shape, dataRange);
  await eachPlane(image, reference, signal, (a, b, z) => {
    flat.add(a, b);
    wang.add(a, b);
    fitted.add(
      Float64Array.from({ length: a.length }, (_, at) => fit.fitGain * (a[at] ?? 0) + fit.fitOffset),
      b,
    );
    volume.add(a, b);
    if (z < sizes.z - 1) return;
    deep.push(volume.finish());
    volume = ssimStream(published3d, shape, dataRange);
  });
  return {
    ssim_published_7x7: flat.finish(),
    ssim_published_7x7x7: deep.reduce((sum, value) => sum + value, 0) / deep.length,
    ssim_scikit_image_gaussian: wang.finish(),
    fitted_ssim_scikit_image_gaussian: fitted.finish(),
  };
}

async function eachPlane(
  image: PlaneSource,
  reference: PlaneSource,
  signal: AbortSignal | undefined,
  see: (image: Samples, reference: Samples, z: number) => void,
): Promise<void> {
  for (const index of planesIn(reference.acquisition.sizes)) {
    signal?.throwIfAborted();
    const [a, b] = await Promise.all([image.readPlane(index), reference.readPlane(index)]);
    see(a, b, index.z);
  }
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
