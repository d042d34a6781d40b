import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { systemCode, usageError } from "../core/errors.ts";

/**
 * Makes the folder for the archive, but none above it: where a stick is not mounted, its mount point is missing, and
 * making it would put the archive on the system's disk. Throws `EdgeError` (`usage`).
 */
export async function makeOutFolder(out: string): Promise<void> {
  await mkdir(out).catch((cause: unknown) => {
    const code = systemCode(cause);
    if (code === "EEXIST") return;
    if (code !== "ENOENT") throw cause;
    throw usageError("the folder above the one for the archive does not exist", {
      code: "bundle-out",
      file: out,
      found: `no ${dirname(out)}`,
      remedy: "Mount the disk that --out names, or make the folder",
      cause,
    });
  });
}
