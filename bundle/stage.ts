import { chmod, copyFile, cp, mkdir, readdir, readFile, realpath, stat, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { machineError, usageError } from "../core/errors.ts";
import { digestOfFile } from "../runtime/gpu/digest.ts";
import { neededLibraries } from "../runtime/gpu/needed-libraries.ts";
import { noticesOf } from "./notices.ts";
import { isNeededHere, productParts, runtimePackages } from "./parts.ts";

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
