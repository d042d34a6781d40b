import type { Acquisition, SampleType } from "../../core/acquisition.ts";

export type OutputCompression = "none" | "deflate" | "zstd";

/** What the result is, told before the first plane. */
export interface PlaneSinkSpec {
  /** The source's description: sizes, pixel sizes, channels and original metadata are carried on from it. */
  readonly acquisition: Acquisition;
  /** The type of the samples that will be written (may differ from the source's). */
  readonly sampleType: SampleType;
  readonly compression?: OutputCompression;
  /**
   * The axis that runs fastest in the order in which planes will come: "z" (T, C, Z) or "t" (Z, C, T), where
   * the network's depth is time. The file's DimensionOrder follows it.
   */
  readonly fastest?: "z" | "t";
}

/**
 * Provenance as a flat list of pairs, in the order in which a person should read them; becomes an OME MapAnnotation.
 * Known only at the end, when times and clipped share are.
 */
export type Provenance = readonly (readonly [key: string, value: string])[];
