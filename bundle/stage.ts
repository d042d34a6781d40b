import { chmod, copyFile, cp, mkdir, readdir, readFile, realpath, stat, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { z } from "zod";
import { machineError, systemCode, usageError } from "../core/errors.ts";
import { digestOfFile } from "../runtime/gpu/digest.ts";
import { neededLibraries } from "../runtime/gpu/needed-libraries.ts";
import { noticesOf } from "./notices.ts";

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
  return !/^node_modules\/(@[^/]+\/)?([^/]+\/)?[^/]*musl[^/]*(\/|$)/.test(path);
}

export interface StageRequest {
  /** The checkout, with its dependencies installed. */
  readonly root: string;
  /** An empty folder. */
  readonly target: string;
  /** Licence of the Node that runs; looked for where its packages put it unless given. */
  readonly nodeLicence?: string;
}

/**
 * Lays out the tree that the archive holds: `app/` (product and packages), `node/` (the Node that runs now, with its
 * licence), `bin/cnnt-edge`, `install.sh`, `NOTICE.txt`.
 */
export async function stageBundle({ root, target, nodeLicence }: StageRequest): Promise<void> {
  await stageNode(join(target, "node"), nodeLicence);
  for (const part of productParts) await copyPart(root, part, join(target, "app"));
  const packages: string[] = [];
  for (const folder of await runtimePackages(root)) {
    const installed = await stat(join(root, folder)).catch(() => undefined);
    if (installed === undefined || !isNeededHere(folder, process.platform, process.arch)) continue;
    packages.push(folder);
    await copyPart(root, folder, join(target, "app"));
  }
  const notices = await noticesOf(root, packages);
  await writeFile(join(target, "NOTICE.txt"), `Node ${process.version}: see node/LICENSE\n\n${notices}`);
  await mkdir(join(target, "bin"));
  await copyExecutable(join(import.meta.dirname, "launcher.sh"), join(target, "bin", "cnnt-edge"));
  await copyExecutable(join(import.meta.dirname, "install.sh"), join(target, "install.sh"));
}

/** `CONTENTS.sha256`: every file with its hash, in alphabetical order, as `sha256sum -c` reads it. */
export async function writeContents(target: string): Promise<number> {
  const entries = await readdir(target, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(target, join(entry.parentPath, entry.name)))
    .sort();
  const lines: string[] = [];
  for (const file of files) lines.push(`${await digestOfFile(join(target, file))}  ${file}\n`);
  await writeFile(join(target, "CONTENTS.sha256"), lines.join(""));
  return files.length;
}

async function stageNode(target: string, licence: string | undefined): Promise<void> {
  const node = await realpath(process.execPath);
  const own = (await neededLibraries(node)).find((name) => /^libnode|^libv8/.test(name));
  if (own !== undefined) {
    throw machineError("this Node needs its own library and would not run on another machine", {
      code: "bundle-node-shared",
      file: node,
      found: `it needs ${own}`,
      remedy: "Run `npm run bundle` with the Node from nodejs.org",
    });
  }
  await mkdir(join(target, "bin"), { recursive: true });
  await copyExecutable(node, join(target, "bin", "node"));
  await writeFile(join(target, "LICENSE"), await readLicence(node, licence));
}

async function readLicence(node: string, given: string | undefined): Promise<string> {
  const prefix = dirname(dirname(node));
  const usual = [join(prefix, "LICENSE"), join(prefix, "share/doc/nodejs/LICENSE")];
  for (const file of given === undefined ? [...usual, join(prefix, "share/doc/nodejs/copyright")] : [given]) {
    const text = await readFile(file, "utf8").catch(() => undefined);
    if (text !== undefined) return text;
  }
  throw usageError("the licence of Node was not found, and the archive must contain it", {
    code: "bundle-node-licence",
    file: given ?? prefix,
    remedy: "Name the LICENSE file of Node's archive with --node-license",
  });
}

async function copyPart(root: string, part: string, app: string): Promise<void> {
  await cp(join(root, part), join(app, part), {
    recursive: true,
    filter: (from) => isNeededHere(relative(root, from), process.platform, process.arch),
  });
}

async function copyExecutable(from: string, to: string): Promise<void> {
  await copyFile(from, to);
  await chmod(to, 0o755);
}

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
