/** Weights of a local mean along one axis; they sum to 1, and an n-dimensional window is their outer product. */
export interface Window {
  /** Odd length. */
  readonly weights: Float64Array;
  /**
   * What is seen beyond the border: `zero` (zeros, a value for every pixel, as the published code) or `crop` (only
   * pixels whose window lies inside count, as scikit-image).
   */
  readonly border: "zero" | "crop";
}

/** `exp(-d² / 2σ²)`, normalized. */
function gaussianWeights(length: number, sigma: number): Float64Array {
  const middle = (length - 1) / 2;
  const weights = Float64Array.from({ length }, (_, at) =>
    Math.exp(-((at - middle) ** 2) / (2 * sigma ** 2)),
  );
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}

/** The CNNT code's window (`pytorch_ssim.py`, as its losses call it): 7 wide, σ = 1.5, zeros beyond the border. */
export const publishedWindow: Window = { weights: gaussianWeights(7, 1.5), border: "zero" };

/** scikit-image with `gaussian_weights=True` (Wang et al. 2004): σ = 1.5 cut at 3.5 σ, so 11 wide. */
export const wangWindow: Window = { weights: gaussianWeights(11, 1.5), border: "crop" };
