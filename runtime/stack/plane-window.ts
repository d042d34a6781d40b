import { type Samples, type SampleType, sampleTypes } from "../../core/acquisition.ts";

/** The planes of a stack that are in memory: a fixed number of places, each used again and again. */
export function createPlaneWindow(options: {
  /** The most planes that are wanted and kept together. */
  readonly capacity: number;
  readonly sampleType: SampleType;
  readonly planeVoxels: number;
  /** Reads one plane into the given array. */
  readonly read: (depth: number, into: Samples) => Promise<void>;
}) {
  const { make } = sampleTypes[options.sampleType];
  const places = Array.from({ length: options.capacity }, () => make(options.planeVoxels));
  const placeOf = new Map<number, Samples>();
  const free = [...places];

  return {
    /** Reads those of these planes that are not here yet; planes that are in neither list may be forgotten. */
    async load(wanted: readonly number[], kept: readonly number[]): Promise<void> {
      const needed = new Set([...wanted, ...kept]);
      for (const [depth, place] of placeOf) {
        if (needed.has(depth)) continue;
        placeOf.delete(depth);
        free.push(place);
      }
      for (const depth of wanted) {
        if (placeOf.has(depth)) continue;
        const place = free.pop();
        if (place === undefined) throw new RangeError(`no place for plane ${depth}`);
        placeOf.set(depth, place);
        await options.read(depth, place);
      }
    },
    /** A plane that was loaded, `[height, width]`. */
    plane(depth: number): Samples {
      const place = placeOf.get(depth);
      if (place === undefined) throw new RangeError(`plane ${depth} is not loaded`);
      return place;
    },
  };
}
