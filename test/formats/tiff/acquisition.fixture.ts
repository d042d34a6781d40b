import {
  type Acquisition,
  plainAcquisition,
  type SampleType,
  type Sizes,
} from "../../../core/acquisition.ts";

/** An acquisition with nothing but its sizes and sample type. */
export function acquisitionOf(
  sizes: Sizes,
  sampleType: SampleType,
  changes: Partial<Acquisition> = {},
): Acquisition {
  return {
    ...plainAcquisition({ file: "source.tif", make: "TIFF", sizes, sampleType }),
    axes: "TCZYX",
    shape: [sizes.t, sizes.c, sizes.z, sizes.y, sizes.x],
    ...changes,
  };
}
