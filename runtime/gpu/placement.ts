import { mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { machineError } from "../../core/errors.ts";
import { writeFileAtomically } from "../../formats/file/atomic-file.ts";
import { digestOfFile } from "../../formats/file/file-digest.ts";
import { type LibraryName, libraryNames } from "./library-source.ts";

/** Beside ONNX Runtime's own library: what we placed there, and what lay there before. */
const manifestName = "cnnt-edge-gpu.json";
const previousName = "cnnt-edge-gpu-previous";
const stagingName = "cnnt-edge-gpu-partial";

const manifestSchema = z.strictObject({
  /** `placing` until everything lies and runs: found at a start, it means that an installation was cut off. */
  state: z.enum(["placing", "installed"]),
  version: z.string(),
  source: z.string(),
  sourceSha256: z.string(),
  /** Whether the CUDA provider ran a model here after they were placed. */
  probed: z.boolean(),
  files: z.array(z.strictObject({ name: z.enum(libraryNames), sha256: z.string() })),
  /** Names that lay there before and were moved aside. */
  replaced: z.array(z.enum(libraryNames)),
});
export type Manifest = z.infer<typeof manifestSchema>;

/** What is installed in `folder`, or half installed; undefined where nothing of ours lies. */
export async function readManifest(folder: string): Promise<Manifest | undefined> {
  const file = join(folder, manifestName);
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  try {
    return manifestSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw machineError("the list of installed provider libraries cannot be read", {
      code: "gpu-manifest-damaged",
      file,
      remedy:
        "Remove the folder node_modules/onnxruntime-node and run `npm ci`, which brings it back as shipped",
      cause,
    });
  }
}

export function writeManifest(folder: string, manifest: Manifest): Promise<void> {
  const bytes = Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`);
  return writeFileAtomically(join(folder, manifestName), bytes, { overwrite: true });
}

/** An empty folder on the same disk, so that libraries get their final names by renaming. */
export async function emptyStagingFolder(folder: string): Promise<string> {
  const staging = join(folder, stagingName);
  await rm(staging, { recursive: true, force: true });
  await mkdir(staging);
  return staging;
}

export function dropStaging(folder: string): Promise<void> {
  return rm(join(folder, stagingName), { recursive: true, force: true });
}

/** Moves what lay there aside and the staged libraries in. Cut off anywhere, `undoPlacement` puts everything back. */
export async function placeLibraries(
  folder: string,
  names: readonly LibraryName[],
  facts: Pick<Manifest, "version" | "source" | "sourceSha256">,
): Promise<Manifest> {
  const staging = join(folder, stagingName);
  const present = await readdir(folder);
  const files: Manifest["files"] = [];
  for (const name of names) files.push({ name, sha256: await digestOfFile(join(staging, name)) });
  const replaced = names.filter((name) => present.includes(name));
  const manifest: Manifest = { ...facts, state: "placing", probed: false, files, replaced };
  await writeManifest(folder, manifest);
  const previous = join(folder, previousName);
  await mkdir(previous, { recursive: true });
  for (const name of replaced) await rename(join(folder, name), join(previous, name));
  for (const name of names) await rename(join(staging, name), join(folder, name));
  return manifest;
}

/** Puts back what lay there before; the manifest goes last, so that a second attempt finds what is left to do. */
export async function undoPlacement(folder: string, manifest: Manifest): Promise<void> {
  const previous = join(folder, previousName);
  const kept = await readdir(previous).catch((): string[] => []);
  for (const { name } of manifest.files) {
    const place = join(folder, name);
    if (kept.includes(name)) await rename(join(previous, name), place);
    else if (!manifest.replaced.includes(name)) await rm(place, { force: true });
  }
  await rm(previous, { recursive: true, force: true });
  await dropStaging(folder);
  await rm(join(folder, manifestName), { force: true });
}

/** Names of placed libraries that are gone or no longer the bytes that were placed. */
export async function changedLibraries(folder: string, manifest: Manifest): Promise<LibraryName[]> {
  const changed: LibraryName[] = [];
  for (const { name, sha256 } of manifest.files) {
    const digest = await digestOfFile(join(folder, name)).catch(() => "absent");
    if (digest !== sha256) changed.push(name);
  }
  return changed;
}
