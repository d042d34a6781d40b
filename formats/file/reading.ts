/** Reading the structure of a file or a set, which may take minutes. */
export interface Reading {
  readonly signal?: AbortSignal | undefined;
  /** Called for each page and each file, so that somebody else can tell slow from hanging. */
  readonly onStep?: (() => void) | undefined;
}

/** Throws the signal's reason where it is aborted. */
export function takeStep({ signal, onStep }: Reading): void {
  signal?.throwIfAborted();
  onStep?.();
}

/**
 * What a reader will allocate or walk through for one file before it refuses. The defaults are far above what
 * microscopes write and far below what would hurt the machine; tests lower them.
 */
export interface ReadLimits {
  /** Image directories in one TIFF. */
  readonly maxPages: number;
  /** Entries in one directory. */
  readonly maxTagsPerPage: number;
  /** Strips or tiles of one page. */
  readonly maxSegmentsPerPage: number;
  /** Bytes of one decoded plane, and so of one buffer. */
  readonly maxPlaneBytes: number;
  /** Bytes of one text field, OME-XML among them. */
  readonly maxTextBytes: number;
  /** Planes of one series, T·C·Z. */
  readonly maxPlanes: number;
  /** Images that one OME-XML document may describe. */
  readonly maxSeries: number;
  /** Files of one set. */
  readonly maxMembers: number;
}

export const defaultLimits: ReadLimits = {
  maxPages: 1_000_000,
  maxTagsPerPage: 4096,
  maxSegmentsPerPage: 1 << 22,
  maxPlaneBytes: 2 ** 31,
  maxTextBytes: 1 << 28,
  maxPlanes: 4_000_000,
  maxSeries: 4096,
  maxMembers: 20_000,
};
