import { planeCount } from "../../core/acquisition.ts";
import { type PlaneSource, planesIn } from "../../formats/plane/plane-source.ts";

/** Where the first sample differs, and by how much any does; undefined where all are the same, bit by bit. */
export async function describeDifference(made: PlaneSource, again: PlaneSource, signal: AbortSignal) {
  const { sizes, sampleType } = made.acquisition;
  const other = again.acquisition;
  if (JSON.stringify(other.sizes) !== JSON.stringify(sizes) || other.sampleType !== sampleType) {
    return `different: it has another size or sample type (${sampleType}, again ${other.sampleType})`;
  }
  let [first, count, notNumbers, largest] = ["", 0, 0, 0];
  for (const place of planesIn(sizes)) {
    signal.throwIfAborted();
    const [a, b] = [await made.readPlane(place), await again.readPlane(place)];
    for (let i = 0; i < a.length; i += 1) {
      if (Object.is(a[i], b[i])) continue;
      const { t, c, z } = place;
      if (count === 0) first = `t ${t}, c ${c}, z ${z}, y ${Math.floor(i / sizes.x)}, x ${i % sizes.x}`;
      count += 1;
      const difference = Math.abs((a[i] ?? 0) - (b[i] ?? 0));
      if (Number.isNaN(difference)) notNumbers += 1;
      else largest = Math.max(largest, difference);
    }
  }
  if (count === 0) return undefined;
  const samples = planeCount(sizes) * sizes.y * sizes.x;
  return [
    `different: ${count} of ${samples} samples, the first at ${first}`,
    ...(notNumbers > 0 ? [`NaN in only one of the two: ${notNumbers}`] : []),
    ...(notNumbers < count ? [`the largest difference is ${largest}`] : []),
  ].join("; ");
}
