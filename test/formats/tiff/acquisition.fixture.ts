import type { Acquisition, SampleType, Sizes } from "../../../core/acquisition.ts";

/** An acquisition with nothing but its sizes and sample type. */
export function acquisitionOf(
  sizes: Sizes,
  sampleType: SampleType,
  changes: Partial<Acquisition> = {},
): Acquisition {
  return {
    file: "source.tif",
    members: [],
    series: 0,
    seriesCount: 1,
    make: "TIFF",
    axes: "TCZYX",
    shape: [sizes.t, sizes.c, sizes.z, sizes.y, sizes.x],
    sizes,
    sampleType,
    pixelSize: {},
    channels: Array.from({ length: sizes.c }, () => ({})),
    compression: "none",
    byteOrder: "little",
    original: { kind: "none" },
    notes: [],
    ...changes,
  };
}
