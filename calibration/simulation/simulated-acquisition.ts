import { type Acquisition, plainAcquisition, type SampleType } from "../../core/acquisition.ts";
import type { Simulation } from "./simulation.ts";

/** What a simulated file says of itself. */
export function simulatedAcquisition(
  { sizes, seed }: Simulation,
  sampleType: SampleType,
  channels: readonly string[],
): Acquisition {
  return {
    ...plainAcquisition({ file: "simulated", make: "OME-TIFF", sizes, sampleType }),
    name: `simulated, seed ${seed}`,
    pixelSize: {
      x: { value: 0.1, unit: "µm", um: 0.1 },
      y: { value: 0.1, unit: "µm", um: 0.1 },
      z: { value: 0.3, unit: "µm", um: 0.3 },
    },
    ...(sizes.t > 1 ? { timeIncrement: { value: 1, unit: "s", s: 1 } } : {}),
    channels: channels.map((name) => ({ name })),
  };
}
