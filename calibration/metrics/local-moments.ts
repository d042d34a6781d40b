/** The five local means that SSIM is made of, of x, y, x², y² and xy, for one plane of window positions. */
export interface LocalMoments {
  readonly x: Float64Array;
  readonly y: Float64Array;
  readonly xx: Float64Array;
  readonly yy: Float64Array;
  readonly xy: Float64Array;
}

const moments = ["x", "y", "xx", "yy", "xy"] as const;

export interface PlaneShape {
  readonly height: number;
  readonly width: number;
}

/**
 * Local means over planes, `[Y, X]` each. `padValue` is what lies beyond the border of a `zero` window, for x and y
 * alike (not 0 when the caller has moved the origin).
 */
export function localMomentsOf(
  x: Float64Array,
  y: Float64Array,
  shape: PlaneShape,
  window: Window,
  padValue: number,
): LocalMoments {
  const pad = window.border === "zero" ? (window.weights.length - 1) / 2 : 0;
  const padded = { height: shape.height + 2 * pad, width: shape.width + 2 * pad };
  const paddedX = paddedPlane(x, shape, pad, padValue);
  const paddedY = paddedPlane(y, shape, pad, padValue);
  const mean = (values: Float64Array) => separableMean(values, padded, window.weights);
  const product = (a: Float64Array, b: Float64Array) => a.map((value, at) => value * (b[at] ?? 0));
  return {
    x: mean(paddedX),
    y: mean(paddedY),
    xx: mean(product(paddedX, paddedX)),
    yy: mean(product(paddedY, paddedY)),
    xy: mean(product(paddedX, paddedY)),
  };
}

/** Weighted sum of the moments of consecutive planes: the window's third axis. */
export function sumOverDepth(planes: readonly LocalMoments[], weights: Float64Array): LocalMoments {
  const sum = (moment: (typeof moments)[number]): Float64Array => {
    const total = new Float64Array(planes[0]?.[moment].length ?? 0);
    planes.forEach((plane, depth) => {
      const weight = weights[depth] ?? 0;
      const values = plane[moment];
      for (let at = 0; at < total.length; at += 1) total[at] = (total[at] ?? 0) + weight * (values[at] ?? 0);
    });
    return total;
  };
  return { x: sum("x"), y: sum("y"), xx: sum("xx"), yy: sum("yy"), xy: sum("xy") };
}

function paddedPlane(values: Float64Array, shape: PlaneShape, pad: number, padValue: number): Float64Array {
  if (pad === 0) return values;
  const width = shape.width + 2 * pad;
  const padded = new Float64Array((shape.height + 2 * pad) * width).fill(padValue);
  for (let row = 0; row < shape.height; row += 1) {
    padded.set(values.subarray(row * shape.width, (row + 1) * shape.width), (row + pad) * width + pad);
  }
  return padded;
}

/** Weighted means at all positions where the window lies inside: rows first, then columns. */
function separableMean(values: Float64Array, shape: PlaneShape, weights: Float64Array): Float64Array {
  const width = shape.width - weights.length + 1;
  const height = shape.height - weights.length + 1;
  const rows = new Float64Array(shape.height * width);
  for (let row = 0; row < shape.height; row += 1) {
    const from = row * shape.width;
    const to = row * width;
    for (let tap = 0; tap < weights.length; tap += 1) {
      const weight = weights[tap] ?? 0;
      for (let column = 0; column < width; column += 1) {
        rows[to + column] = (rows[to + column] ?? 0) + weight * (values[from + column + tap] ?? 0);
      }
    }
  }
  const means = new Float64Array(height * width);
  for (let row = 0; row < height; row += 1) {
    const to = row * width;
    for (let tap = 0; tap < weights.length; tap += 1) {
      const weight = weights[tap] ?? 0;
      const from = (row + tap) * width;
      for (let column = 0; column < width; column += 1) {
        means[to + column] = (means[to + column] ?? 0) + weight * (rows[from + column] ?? 0);
      }
    }
  }
  return means;
}

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
