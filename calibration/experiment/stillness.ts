/**
 * Half the mean squared step from each image to the next, over the variance of all images (von Neumann 1941). 1 where
 * images differ by independent noise; below 1 where something in the field changes slowly.
 *
 * Projections `[Y, X]`, in order of recording. NaN for fewer than three.
 */
export function stillness(projections: readonly Float32Array[]): number {
  const count = projections.length;
  const first = projections[0];
  if (first === undefined || count < 3) return Number.NaN;
  let steps = 0;
  let spread = 0;
  for (let at = 0; at < first.length; at += 1) {
    let mean = 0;
    for (const image of projections) mean += (image[at] ?? 0) / count;
    let before = Number.NaN;
    for (const image of projections) {
      const value = image[at] ?? 0;
      spread += (value - mean) ** 2;
      if (!Number.isNaN(before)) steps += (value - before) ** 2 / 2;
      before = value;
    }
  }
  return spread === 0 ? 1 : steps / spread;
}
