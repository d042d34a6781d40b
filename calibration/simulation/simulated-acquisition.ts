import type { Acquisition, SampleType } from "../../core/acquisition.ts";
import type { Simulation } from "./simulation.ts";

/** What a simulated file says of itself. */
export function simulatedAcquisition(
  { sizes, seed }: Simulation,
  sampleType: SampleType,
  channels: readonly string[],
): Acquisition {
  const lengths = [sizes.t, sizes.c, sizes.z, sizes.y, sizes.x];
  const axes = [..."TCZYX"].filter(
    (axis, index) => axis === "Y" || axis === "X" || (lengths[index] ?? 1) > 1,
  );
  return {
    file: "simulated",
    members: [],
    series: 0,
    seriesCount: 1,
    name: `simulated, seed ${seed}`,
    make: "OME-TIFF",
    axes: axes.join(""),
    shape: axes.map((axis) => lengths["TCZYX".indexOf(axis)] ?? 1),
    sizes,
    sampleType,
    pixelSize: {
      x: { value: 0.1, unit: "µm", um: 0.1 },
      y: { value: 0.1, unit: "µm", um: 0.1 },
      z: { value: 0.3, unit: "µm", um: 0.3 },
    },
    ...(sizes.t > 1 ? { timeIncrement: { value: 1, unit: "s", s: 1 } } : {}),
    channels: channels.map((name) => ({ name })),
    compression: "none",
    byteOrder: "little",
    original: { kind: "none" },
    notes: [],
  };
}
