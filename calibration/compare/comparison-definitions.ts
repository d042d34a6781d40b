import type { StackComparison } from "./compare-stacks.ts";

/** What each figure of a comparison is, for who reads it: with gain and offset fitted or not, of what, against what. */
export type ComparisonDefinitions = Readonly<Record<keyof StackComparison, string>>;

/** `dataRange`: the one that was asked for. */
export function comparisonDefinitions(dataRange: number | undefined): ComparisonDefinitions {
  const fit = "after the one gain and offset for the whole file that bring it nearest to the reference";
  const windows = {
    published: "the CNNT code's Gaussian window (sigma 1.5 px, zeros beyond the border)",
    scikitImage: "scikit-image's Gaussian weights (sigma 1.5 px, 11 x 11 px, population covariance)",
  };
  return {
    psnr_db:
      "10 log10(data range² / MSE) as is: no gain or offset is fitted; without bound (in JSON null) where no error is left",
    fitted_psnr_db: `the same ${fit} (least squares over all pixels)`,
    mean_squared_error: "mean of (file - reference)² as is: no gain or offset is fitted",
    fitted_mean_squared_error: "mean of (fit_gain · file + fit_offset - reference)²",
    fit_gain: "the gain of the fit, by which the file is multiplied to come nearest to the reference",
    fit_offset: "the offset of the fit, which is added after the gain",
    ssim_published_7x7: `SSIM as is, 7 x 7 px, by ${windows.published}; each plane by itself, then their mean`,
    ssim_published_7x7x7: `SSIM as is, 7 x 7 x 7 px, by the same window also along depth; the mean over times and channels`,
    ssim_scikit_image_gaussian: `SSIM as is, by ${windows.scikitImage}; each plane by itself, then their mean`,
    fitted_ssim_scikit_image_gaussian: `the same SSIM ${fit}, which is the fit of the PSNR`,
    resolution_px:
      "where the Fourier ring correlation of file and reference falls below 1/7, in pixels per cycle",
    block_mean_slope:
      "means of blocks of the file (about 64 a plane, 8 x 8 px or larger) against those of the reference: " +
      "file = slope · reference + offset, least squares; 1 where large structures keep their intensity",
    block_mean_offset: "the offset of the same line",
    pixel_slope:
      "all pixels of the file against those of the reference, least squares; noise of the reference lowers it. " +
      "Divided by that of the noisy input it is the slope that a model package states",
    shift_y_px: "how far the file's mean plane lies below the reference's, by cross-correlation",
    shift_x_px: "how far the file's mean plane lies to the right of the reference's, by cross-correlation",
    data_range:
      dataRange === undefined
        ? "the largest less the smallest value of the reference, all planes, channels and times together"
        : `${dataRange}, as given with --data-range`,
  };
}
