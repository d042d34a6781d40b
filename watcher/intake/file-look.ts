/** How a file was listed: with other values it has other content, or may have. */
export interface FileLook {
  readonly sizeBytes: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
}

export function looksAlike(one: FileLook | undefined, other: FileLook | undefined): boolean {
  return (
    one?.sizeBytes === other?.sizeBytes && one?.mtimeMs === other?.mtimeMs && one?.ctimeMs === other?.ctimeMs
  );
}
