/** The plain layers of the reference forward pass, on float64 frames. Each makes a new array; none knows the network. */

/** A sequence of multi-channel images. `data` is `[depth, channels, height, width]`, C order. */
export interface Frames {
  /** T in the network's words: number of frames, in depth or in time. */
  readonly depth: number;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly data: Float64Array;
}

export function mapped(x: Frames, each: (value: number, index: number) => number): Frames {
  return { ...x, data: x.data.map(each) };
}

/**
 * 2-D convolution of every frame: stride 1, zero padding (kernel - 1) / 2, with bias.
 * `weight` is `[channels out, channels in, kernel, kernel]`, `bias` `[channels out]`.
 *
 * On the padded frame, a step in the kernel is one shift of the whole image, so that the innermost loop is long; the
 * sums at the padding's columns are garbage and are left out at the end.
 */
export function convolve(
  x: Frames,
  weight: ArrayLike<number>,
  bias: ArrayLike<number>,
  kernel: number,
): Frames {
  const { depth, channels, height, width } = x;
  const rowLength = width + kernel - 1;
  const paddedPlane = (height + kernel - 1) * rowLength;
  const sumsLength = (height - 1) * rowLength + width;
  const channelsOut = bias.length;
  const data = new Float64Array(depth * channelsOut * height * width);
  const sums = new Float64Array(sumsLength);
  for (let t = 0; t < depth; t += 1) {
    const padded = padFrame(x, t, (kernel - 1) / 2);
    for (let o = 0; o < channelsOut; o += 1) {
      sums.fill(bias[o] ?? 0);
      for (let c = 0; c < channels; c += 1) {
        for (let ky = 0; ky < kernel; ky += 1) {
          const weights = (o * channels + c) * kernel * kernel + ky * kernel;
          const from = c * paddedPlane + ky * rowLength;
          addRow(sums, padded, from, weight, weights, kernel);
        }
      }
      for (let row = 0; row < height; row += 1) {
        const to = ((t * channelsOut + o) * height + row) * width;
        data.set(sums.subarray(row * rowLength, row * rowLength + width), to);
      }
    }
  }
  return { depth, channels: channelsOut, height, width, data };
}

/** Adds one row of the kernel to all sums. The usual three weights in one pass, in the same order: half of the time. */
function addRow(
  sums: Float64Array,
  padded: Float64Array,
  from: number,
  weight: ArrayLike<number>,
  weights: number,
  kernel: number,
): void {
  if (kernel === 3) {
    const left = weight[weights] ?? 0;
    const middle = weight[weights + 1] ?? 0;
    const right = weight[weights + 2] ?? 0;
    for (let i = 0, at = from; i < sums.length; i += 1, at += 1) {
      const withLeft = (sums[i] as number) + left * (padded[at] as number);
      sums[i] = withLeft + middle * (padded[at + 1] as number) + right * (padded[at + 2] as number);
    }
    return;
  }
  for (let kx = 0; kx < kernel; kx += 1) {
    const w = weight[weights + kx] ?? 0;
    for (let i = 0; i < sums.length; i += 1) {
      sums[i] = (sums[i] as number) + w * (padded[from + kx + i] as number);
    }
  }
}

/** One frame with a border of zeros: `[channels, height + 2 pad, width + 2 pad]`. */
function padFrame(x: Frames, t: number, pad: number): Float64Array {
  const { channels, height, width } = x;
  const rowLength = width + 2 * pad;
  const rows = height + 2 * pad;
  const padded = new Float64Array(channels * rows * rowLength);
  for (let c = 0; c < channels; c += 1) {
    for (let row = 0; row < height; row += 1) {
      const from = ((t * channels + c) * height + row) * width;
      padded.set(x.data.subarray(from, from + width), (c * rows + row + pad) * rowLength + pad);
    }
  }
  return padded;
}

/** Mean of 2 x 2 pixels: trilinear interpolation by 0.5 without aligned corners comes to exactly that. */
export function halve(x: Frames): Frames {
  const height = x.height / 2;
  const width = x.width / 2;
  const data = new Float64Array(x.depth * x.channels * height * width);
  for (let frame = 0; frame < x.depth * x.channels; frame += 1) {
    for (let row = 0; row < height; row += 1) {
      for (let column = 0; column < width; column += 1) {
        const from = (frame * x.height + 2 * row) * x.width + 2 * column;
        const upper = (x.data[from] ?? 0) + (x.data[from + 1] ?? 0);
        const lower = (x.data[from + x.width] ?? 0) + (x.data[from + x.width + 1] ?? 0);
        data[(frame * height + row) * width + column] = (upper + lower) / 4;
      }
    }
  }
  return { ...x, height, width, data };
}

/** Bilinear, twice the size, without aligned corners: weights 1/4 and 3/4, edge pixels repeated. */
export function double(x: Frames): Frames {
  const height = 2 * x.height;
  const width = 2 * x.width;
  const data = new Float64Array(x.depth * x.channels * height * width);
  for (let frame = 0; frame < x.depth * x.channels; frame += 1) {
    const at = (row: number, column: number): number => {
      const y = Math.min(Math.max(row, 0), x.height - 1);
      const z = Math.min(Math.max(column, 0), x.width - 1);
      return x.data[(frame * x.height + y) * x.width + z] ?? 0;
    };
    for (let row = 0; row < height; row += 1) {
      const nearRow = row >> 1;
      const farRow = row % 2 === 0 ? nearRow - 1 : nearRow + 1;
      for (let column = 0; column < width; column += 1) {
        const near = column >> 1;
        const far = column % 2 === 0 ? near - 1 : near + 1;
        data[(frame * height + row) * width + column] =
          0.75 * (0.75 * at(nearRow, near) + 0.25 * at(nearRow, far)) +
          0.25 * (0.75 * at(farRow, near) + 0.25 * at(farRow, far));
      }
    }
  }
  return { ...x, height, width, data };
}

/** The channels of `a`, then those of `b`. */
export function concatenate(a: Frames, b: Frames): Frames {
  const plane = a.height * a.width;
  const channels = a.channels + b.channels;
  const data = new Float64Array(a.depth * channels * plane);
  for (let t = 0; t < a.depth; t += 1) {
    const to = t * channels * plane;
    data.set(a.data.subarray(t * a.channels * plane, (t + 1) * a.channels * plane), to);
    data.set(b.data.subarray(t * b.channels * plane, (t + 1) * b.channels * plane), to + a.channels * plane);
  }
  return { ...a, channels, data };
}

export function add(a: Frames, b: Frames): Frames {
  return mapped(a, (value, i) => value + (b.data[i] ?? 0));
}

export function subtract(a: Frames, b: Frames): Frames {
  return mapped(a, (value, i) => value - (b.data[i] ?? 0));
}

/** The exact GELU, x/2 · (1 + erf(x/√2)). */
export function gelu(x: Frames): Frames {
  return mapped(x, (value) => 0.5 * value * (1 + erf(value / Math.SQRT2)));
}

/**
 * The error function to double precision: its Maclaurin series (Abramowitz and Stegun 7.1.6, which has only positive
 * terms) below 3, the continued fraction of erfc (7.1.14, by Lentz' method) above.
 */
export function erf(x: number): number {
  const z = Math.abs(x);
  if (Number.isNaN(x)) return x;
  const value = z < 3 ? erfSeries(z) : 1 - erfcFraction(z);
  return x < 0 ? -value : value;
}

function erfSeries(z: number): number {
  let term = z;
  let sum = z;
  for (let n = 1; term > sum * 1e-17; n += 1) {
    term *= (2 * z * z) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-z * z) * sum;
}

function erfcFraction(z: number): number {
  if (z > 6) return 0;
  let fraction = z;
  for (let n = 60; n >= 1; n -= 1) fraction = z + n / 2 / fraction;
  return Math.exp(-z * z) / (Math.sqrt(Math.PI) * fraction);
}
