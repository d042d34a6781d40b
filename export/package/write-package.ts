import { createHash, randomUUID } from "node:crypto";
import { mkdir, open, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { stringify } from "yaml";
import { isEdgeError, machineError, systemCode, usageError } from "../../core/errors.ts";
import type { PackageSettings } from "../../core/package-settings.ts";
import type { Tensor } from "../../core/tensor.ts";
import { syncFolder } from "../../formats/file/atomic-file.ts";
import { encodeNpy } from "../../formats/npy.ts";
import { describeModel, type PackageFacts } from "./describe-model.ts";
import type { TensorComparison } from "./verify-package.ts";

const coverName = "cover.png";

/** What running a package taught. */
export interface PackageProof {
  readonly measured: TensorComparison;
  /** In place of those that it was written with. */
  readonly settings?: PackageSettings;
  /** A picture, PNG. */
  readonly cover?: Uint8Array;
  /** For the card, Markdown. */
  readonly evidence?: string;
}

/**
 * Writes the folder under a temporary name beside its final one, file by file synced, lets `prove` run it against its own
 * test tensors, and renames it when whole and right: `prove` throws, and a package that is wrong never appears. An
 * existing package is replaced only with `force`.
 */
export async function writePackage(
  dir: string,
  contents: {
    readonly facts: Omit<PackageFacts, "sha256">;
    /** The bytes of `model.onnx`, in pieces. */
    readonly model: readonly Uint8Array[];
    readonly testInput: Tensor;
    readonly testOutput: Tensor;
    /** The model's card, Markdown; told what was found when the package was proven. */
    readonly card: (facts: Omit<PackageFacts, "sha256">, proof: PackageProof | undefined) => string;
  },
  { force, prove }: { readonly force: boolean; readonly prove?: (dir: string) => Promise<PackageProof> },
): Promise<PackageProof | undefined> {
  await refuseExisting(dir, force);
  const parent = dirname(dir);
  await mkdir(parent, { recursive: true });
  const temporary = join(parent, `.cnnt-edge-${randomUUID()}-${basename(dir)}`);
  try {
    await mkdir(temporary);
    const sha256 = {
      model: await writeFileSynced(join(temporary, "model.onnx"), contents.model),
      testInput: await writeFileSynced(join(temporary, "test_input.npy"), [encodeNpy(contents.testInput)]),
      testOutput: await writeFileSynced(join(temporary, "test_output.npy"), [encodeNpy(contents.testOutput)]),
    };
    const rdfFile = join(temporary, "rdf.yaml");
    const describe = async (facts: Omit<PackageFacts, "sha256">): Promise<void> => {
      const rdf = stringify(describeModel({ ...facts, sha256 }), { lineWidth: 110 });
      await writeFileSynced(rdfFile, [Buffer.from(rdf)]);
    };
    await describe(contents.facts);
    const proof = await prove?.(temporary);
    const facts = {
      ...contents.facts,
      settings: proof?.settings ?? contents.facts.settings,
      ...(proof?.cover === undefined ? {} : { cover: coverName }),
    };
    await rm(rdfFile);
    await describe(facts);
    if (proof?.cover !== undefined) await writeFileSynced(join(temporary, coverName), [proof.cover]);
    await writeFileSynced(join(temporary, "README.md"), [Buffer.from(contents.card(facts, proof))]);
    await syncFolder(temporary);
    await replaceFolder(temporary, dir);
    await syncFolder(parent);
    return proof;
  } catch (cause) {
    await rm(temporary, { recursive: true, force: true });
    throw asMachineError(cause, dir);
  }
}

/** Throws `EdgeError` (`usage`) where something is in the way that must not be replaced. */
export async function refuseExisting(dir: string, force: boolean): Promise<void> {
  const facts = await stat(dir).catch(() => undefined);
  if (facts === undefined) return;
  const names = facts.isDirectory() ? await readdir(dir) : [];
  if (facts.isDirectory() && names.length === 0) return;
  if (facts.isDirectory() && force && names.includes("rdf.yaml")) return;
  throw usageError("the output exists already", {
    code: "package-exists",
    file: dir,
    remedy: names.includes("rdf.yaml")
      ? "Choose another folder, or add --force to replace this package"
      : "Choose another folder; this one holds no package and is never replaced",
  });
}

/** Two renames: for a moment there is no package under the name, but never half of one. */
async function replaceFolder(temporary: string, dir: string): Promise<void> {
  const old = join(dirname(dir), `.cnnt-edge-${randomUUID()}-old`);
  const existed = await rename(dir, old).then(
    () => true,
    () => false,
  );
  await rename(temporary, dir);
  if (existed) await rm(old, { recursive: true, force: true });
}

async function writeFileSynced(file: string, chunks: readonly Uint8Array[]): Promise<string> {
  const hash = createHash("sha256");
  const handle = await open(file, "wx");
  try {
    await writeFile(handle, chunks);
    for (const chunk of chunks) hash.update(chunk);
    await handle.sync();
  } finally {
    await handle.close();
  }
  return hash.digest("hex");
}

function asMachineError(cause: unknown, dir: string): unknown {
  if (isEdgeError(cause)) return cause;
  const code = systemCode(cause);
  if (code === undefined) return cause;
  return machineError("the package could not be written", {
    code: "package-write",
    file: dir,
    found: code,
    remedy:
      code === "ENOSPC"
        ? "Make room on the disk and export again"
        : "Check that the folder may be written to",
    cause,
  });
}
