import { type Samples, sampleTypes } from "../../core/acquisition.ts";
import type { PlaneSource } from "../../formats/plane/plane-source.ts";
import { simulatedAcquisition } from "./simulated-acquisition.ts";
import type { SimulatedPair, Simulation } from "./simulation.ts";

/** Grey values at which the ramp starts anew: no plane of a stack equals its neighbours, and 8 bits hold it. */
const period = 251;

/**
 * A slanted ramp without noise, at the speed of memory: for those who test disks, pipes and memory with stacks of
 * many gigabytes and want to see at once when planes are mixed up. Noisy and clean are the same.
 */
export function rampSource(simulation: Simulation): SimulatedPair {
  const { sizes, sampleType } = simulation;
  const channels = Array.from({ length: sizes.c }, () => "ramp");
  const source = (type: Simulation["sampleType"]): PlaneSource => ({
    acquisition: simulatedAcquisition(simulation, type, channels),
    readPlane({ t, c, z }, options) {
      const samples = options?.into ?? sampleTypes[type].make(sizes.y * sizes.x);
      fillRamp(samples, sizes.x, simulation.seed + (t * sizes.c + c) * sizes.z + z);
      return Promise.resolve(samples);
    },
    close: () => Promise.resolve(),
  });
  return { noisy: source(sampleType), clean: source("float32") };
}

function fillRamp(samples: Samples, width: number, plane: number): void {
  for (let start = 0, row = 0; start < samples.length; start += width, row += 1) {
    let value = (3 * row + 7 * plane) % period;
    for (let index = start; index < start + width; index += 1) {
      samples[index] = value;
      value = value + 1 === period ? 0 : value + 1;
    }
  }
}
