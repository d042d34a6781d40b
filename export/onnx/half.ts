import { roundHalfToEven } from "../../core/round.ts";

/** The nearest IEEE 754 binary16, ties to even; beyond 65504 infinity. */
export function floatToHalf(value: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const magnitude = Math.abs(value);
  // 65520 is half-way between the largest half and the next that would follow.
  if (magnitude >= 65520) return sign | 0x7c00;
  const exponent = Math.max(Math.floor(Math.log2(magnitude || 2 ** -24)), -14);
  const step = 2 ** (exponent - 10);
  const units = roundHalfToEven(magnitude / step);
  // A normal number's units run from 1024 to 2047; 2048 carries into the exponent by itself.
  return sign | (exponent === -14 ? units : ((exponent + 14) << 10) + units);
}
