import type { BigIntStats } from "node:fs";
import { lstat } from "node:fs/promises";

/** What lstat(2) tells of `path`; undefined where nothing has that name. */
export async function factsOf(path: string): Promise<BigIntStats | undefined> {
  return lstat(path, { bigint: true }).catch((error: unknown) => {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  });
}

/** The system's word for what went wrong, as ENOENT. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error ? String(error.code) : undefined;
}
