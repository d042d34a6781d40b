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
