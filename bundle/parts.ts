import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";

/** Of the checkout, what a machine needs to run the product. Tests and what only developers use stay away. */
export const productParts = [
  "LICENSE",
  "README.md",
  "CHANGELOG.md",
  "CITATION.cff",
  "package.json",
  "bin",
  "calibration",
  "core",
  "docs",
  "export",
  "formats",
  "models",
  "runtime",
  "systemd",
  "watcher",
] as const;

const lockSchema = z.object({
  packages: z.record(z.string(), z.object({ dev: z.boolean().optional(), version: z.string().optional() })),
});

/**
 * The folders of the packages that the product needs to run, as the lockfile names them ("node_modules/zod"), in
 * alphabetical order: no development packages. Optional ones for other platforms are named too; they are not installed.
 */
export async function runtimePackages(root: string): Promise<string[]> {
  const lock = lockSchema.parse(JSON.parse(await readFile(join(root, "package-lock.json"), "utf8")));
  return Object.entries(lock.packages)
    .filter(([path, { dev }]) => path !== "" && dev !== true)
    .map(([path]) => path)
    .sort();
}

/** Whether a file of a package is of use on this platform; `path` is relative to the checkout. */
export function isNeededHere(path: string, platform: string, arch: string): boolean {
  const [, of, on] =
    /^node_modules\/onnxruntime-node\/bin\/napi-v\d+\/([^/]+)(?:\/([^/]+))?/.exec(path) ?? [];
  if (of !== undefined) return of === platform && (on === undefined || on === arch);
  // The bundled Node is a glibc program; the same packages for musl are never loaded.
  return !/^node_modules\/(@[^/]+\/)?[^/]*musl[^/]*(\/|$)/.test(path);
}
