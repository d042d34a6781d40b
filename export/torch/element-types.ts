import type { ElementTypeName } from "./pickle-values.ts";

/** A tensor's elements as doubles or floats, whatever they were stored as; C order. */
export type Elements = Float32Array | Float64Array;

/**
 * Decodes little-endian elements. float64 stays double; integers and the halves fit a float exactly enough to run.
 * Undefined for types that are no numbers on one axis (complex, quantized).
 */
export function decodeElements(bytes: Buffer, type: ElementTypeName): Elements | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  switch (type) {
    case "float32":
      return fill(new Float32Array(bytes.length / 4), (i) => view.getFloat32(4 * i, true));
    case "float64":
      return fill(new Float64Array(bytes.length / 8), (i) => view.getFloat64(8 * i, true));
    case "float16":
      return fill(new Float32Array(bytes.length / 2), (i) => halfToFloat(view.getUint16(2 * i, true)));
    case "bfloat16":
      return bfloat16ToFloat(view);
    case "int64":
      return fill(new Float64Array(bytes.length / 8), (i) => Number(view.getBigInt64(8 * i, true)));
    case "int32":
      return fill(new Float64Array(bytes.length / 4), (i) => view.getInt32(4 * i, true));
    case "int16":
      return fill(new Float32Array(bytes.length / 2), (i) => view.getInt16(2 * i, true));
    case "int8":
      return fill(new Float32Array(bytes.length), (i) => view.getInt8(i));
    case "uint8":
    case "bool":
      return fill(new Float32Array(bytes.length), (i) => view.getUint8(i));
    default:
      return undefined;
  }
}

function fill<A extends Elements>(array: A, at: (index: number) => number): A {
  for (let i = 0; i < array.length; i += 1) array[i] = at(i);
  return array;
}

/** IEEE 754 binary16. */
export function halfToFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** bfloat16 is the upper half of a float32. */
function bfloat16ToFloat(view: DataView): Float32Array {
  const bits = new Uint32Array(view.byteLength / 2);
  for (let i = 0; i < bits.length; i += 1) bits[i] = view.getUint16(2 * i, true) << 16;
  return new Float32Array(bits.buffer);
}
