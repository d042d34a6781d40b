import type { Acquisition, SampleType } from "../../core/acquisition.ts";
import type { Plane } from "./plane-source.ts";

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

/**
 * A result in the making: planes are appended in the announced order under a temporary name in the target's
 * folder. Only `finish` makes the final name appear, complete and synced.
 */
export interface PlaneSink {
  /** Why the file has not the access that was asked for; undefined: it has. */
  readonly accessProblem?: string;
  write(plane: Plane): Promise<void>;
  /**
   * Writes the metadata, syncs, renames, syncs the folder. Refuses if planes are missing. `check` is given the
   * complete file under its temporary name; when it throws, the file gets no other name and `abort` removes it.
   */
  finish(provenance: Provenance, check?: (path: string) => Promise<void>): Promise<void>;
  /** Removes the temporary file. Does nothing after `finish`. Never throws. */
  abort(): Promise<void>;
}
