import type { BigIntStats } from "node:fs";
import { lstat } from "node:fs/promises";
import { systemCode } from "../../core/errors.ts";

/** What lstat(2) tells of `path`; undefined where nothing has that name. */
export async function factsOf(path: string): Promise<BigIntStats | undefined> {
  return lstat(path, { bigint: true }).catch((error: unknown) => {
    if (systemCode(error) === "ENOENT") return undefined;
    throw error;
  });
}
