import type { Acquisition } from "../../core/acquisition.ts";
import type { EdgeError } from "../../core/errors.ts";
import type { ReadLimits } from "../file/limits.ts";
import type { PlaneSource } from "./plane-source.ts";

/** One image in a file: readable, or refused for a reason of its own. */
export type SeriesFound =
  | { readonly acquisition: Acquisition; readonly open: () => PlaneSource }
  | { readonly refusal: EdgeError };

/** Reads one format: tells its files by their first bytes, and finds the images in them. */
export interface FormatReader {
  recognises(head: Uint8Array): boolean;
  /**
   * All images of the file, at least one; the structure is checked whole. Throws `EdgeError` where the file itself
   * is cut, damaged or of a kind that we do not read.
   */
  find(file: string, limits: ReadLimits, signal: AbortSignal | undefined): Promise<readonly SeriesFound[]>;
}
