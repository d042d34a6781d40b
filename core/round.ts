/** 1.5 · 2^52: the neighbouring doubles are 1 apart, also for somewhat smaller and larger sums. */
const unitSpacing = 6_755_399_441_055_744;

/**
 * Rounds to an integer, half to even, as numpy.rint: the addition itself rounds so (IEEE 754 roundTiesToEven). Exact
 * below 2^51; what is larger is beyond all sample types and stays large.
 */
export function roundHalfToEven(value: number): number {
  return value + unitSpacing - unitSpacing;
}
