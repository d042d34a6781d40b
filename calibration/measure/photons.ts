import type { Repeats } from "../experiment/repeats.ts";
import type { DenoisedStack } from "./measure-level.ts";

/** A detector's scale: grey values per photon, and the grey value without light. */
export interface Detector {
  readonly gain: number;
  readonly offset: number;
}

/** The same field in photons, so that errors and noise are in photons as well. The model never sees these. */
export function repeatsInPhotons(repeats: Repeats, detector: Detector): Repeats {
  return {
    ...repeats,
    readPlane: async (index, z, signal) => photonsOf(await repeats.readPlane(index, z, signal), detector),
  };
}

export function stackInPhotons(stack: DenoisedStack, detector: Detector): DenoisedStack {
  return {
    readPlane: async (z, signal) => photonsOf(await stack.readPlane(z, signal), detector),
    close: () => stack.close(),
  };
}

function photonsOf(plane: Float32Array, { gain, offset }: Detector): Float32Array {
  return plane.map((value) => (value - offset) / gain);
}
