/** Dense float arrays as they go through the network and lie in `.npy` files. */

/** C order. `shape` lists lengths slowest first; its product is `data.length`. */
export interface Tensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** As `Tensor`, in double precision: the reference forward pass. */
export interface Tensor64 {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

export function doubled({ shape, data }: Tensor): Tensor64 {
  return { shape, data: Float64Array.from(data) };
}

/** Rounded to what networks take and give. */
export function single({ shape, data }: Tensor64): Tensor {
  return { shape, data: Float32Array.from(data) };
}

export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}
