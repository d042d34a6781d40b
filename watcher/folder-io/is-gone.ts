import { lstat } from "node:fs/promises";
import { isAbsent, systemCode } from "../../core/errors.ts";

/** Whether nothing lies under a name, not even a link to nowhere. Throws what the system throws where that cannot be seen. */
export async function isGone(file: string): Promise<boolean> {
  return lstat(file).then(() => false, saysGone);
}

/** Answers true where a look failed because nothing is there: nor can be, under a name that is too long. Throws it else. */
export function saysGone(error: unknown): true {
  if (isAbsent(error) || systemCode(error) === "ENAMETOOLONG") return true;
  throw error;
}
