import type { EdgeError } from "../../core/errors.ts";
import type { ByteSource } from "../file/byte-source.ts";
import type { ReadLimits } from "../file/limits.ts";
import type { Reading } from "../file/reading.ts";
import type { PlaneReader } from "./plane-source.ts";

/** One image in a file: readable, or refused for a reason of its own. */
export type SeriesFound = PlaneReader | { readonly refusal: EdgeError };

/** A file or a set whose structure was read once. Whoever opens it closes it, and with it all its series. */
export interface OpenedFile {
  /** All images, at least one. */
  readonly series: readonly SeriesFound[];
  /**
   * All files that it consists of, as far as its descriptions name them, also those that are missing. First the one
   * that stands for it: a companion, else the first by name of those that describe all of them.
   */
  readonly files: readonly string[];
  /** Planes may be read afterwards too: what that opens is closed by the next call. */
  close(): Promise<void>;
}

/** Reads one format: tells its files by their first bytes, and finds the images in them. */
export interface FormatReader {
  recognises(head: Uint8Array): boolean;
  /**
   * Reads the structure of the file, whole. Throws `EdgeError` where the file itself is cut, damaged or of a kind that
   * we do not read. The caller closes `source`.
   */
  find(source: ByteSource, limits: ReadLimits, reading: Reading): Promise<OpenedFile>;
}
