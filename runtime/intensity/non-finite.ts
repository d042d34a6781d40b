import { type Samples, type SampleType, sampleTypes } from "../../core/acquisition.ts";

/** The samples of a stack that are NaN or infinite, as they are met: the network never sees them. */
export function watchNonFinite(sampleType: SampleType) {
  const counts = new Map<number, number>();
  return {
    /** Looks through a plane that was read. */
    look(depth: number, samples: Samples): void {
      if (sampleTypes[sampleType].integer) return;
      let count = 0;
      for (let i = 0; i < samples.length; i += 1) {
        if (!Number.isFinite(samples[i])) count += 1;
      }
      if (count > 0) counts.set(depth, count);
    },
    has: (depth: number): boolean => counts.has(depth),
    /** Such samples in all planes that were looked at. */
    count: (): number => [...counts.values()].reduce((sum, count) => sum + count, 0),
  };
}

/**
 * Puts NaN and infinities of the source where they stood, over whatever the network made of their surroundings. An
 * integer result has no NaN (0 stands for it) and ends at its bounds.
 */
export function carryNonFinite(source: Samples, sampleType: SampleType, into: Samples): void {
  const { integer, min, max } = sampleTypes[sampleType];
  for (let i = 0; i < source.length; i += 1) {
    const value = source[i] as number;
    if (Number.isFinite(value)) continue;
    if (!integer) into[i] = value;
    else if (Number.isNaN(value)) into[i] = 0;
    else into[i] = value > 0 ? max : min;
  }
}
