import { lstat } from "node:fs/promises";
import { isAbsent } from "../../core/errors.ts";

/** Whether nothing lies under a name, not even a link to nowhere. Throws what the system throws where that cannot be seen. */
export async function isGone(file: string): Promise<boolean> {
  return lstat(file).then(
    () => false,
    (error: unknown) => {
      if (isAbsent(error)) return true;
      throw error;
    },
  );
}
