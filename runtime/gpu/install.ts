import { rm, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { type ErrorReport, isEdgeError, machineError, usageError } from "../../core/errors.ts";
import { requireTrusted, requireVersion } from "./known-sources.ts";
import { extractLibraries, type LibraryName, openLibrarySource } from "./library-source.ts";
import { type LinkageProblem, linkageProblems, type SystemLibraries } from "./linkage.ts";
import {
  changedLibraries,
  dropStaging,
  emptyStagingFolder,
  type Manifest,
  placeLibraries,
  readManifest,
  undoPlacement,
  writeManifest,
} from "./placement.ts";

export interface InstallRequest {
  /** Wheel, nupkg, tgz or folder. */
  readonly source: string;
  /** SHA-256 that the source must have; needed where it is not one of those known here. */
  readonly sha256?: string;
  readonly withTensorRt: boolean;
  /** Of the binding, for example "1.30.0". */
  readonly version: string;
  /** Where ONNX Runtime looks for providers: beside its own library. */
  readonly folder: string;
  readonly system: SystemLibraries;
  /** Why the CUDA provider cannot run a model, tried in a throw-away process; undefined: it is not tried. */
  readonly probe: (() => Promise<ErrorReport | undefined>) | undefined;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

export interface Installed {
  readonly manifest: Manifest;
  /** What is missing here; empty where the provider ran. */
  readonly problems: readonly LinkageProblem[];
}

/**
 * Takes the provider libraries from the source to beside the binding: pinned by hash, of exactly the binding's
 * version, tried once. Whatever fails or interrupts it, the folder is then as it was.
 */
export async function installGpuLibraries(request: InstallRequest): Promise<Installed> {
  const { folder, version, say, signal } = request;
  await recoverPlacement(folder, say);
  await refuseInstalled(folder);
  say(`reading ${request.source}`);
  const source = await openLibrarySource(request.source, signal);
  say(`its SHA-256 is ${source.digest}, ${requireTrusted(source, version, request.sha256)}`);
  const names: LibraryName[] = [
    "libonnxruntime_providers_shared.so",
    "libonnxruntime_providers_cuda.so",
    ...(request.withTensorRt ? (["libonnxruntime_providers_tensorrt.so"] as const) : []),
  ];
  const staging = await emptyStagingFolder(folder);
  try {
    await extractLibraries(source, names, staging, signal);
    for (const name of names) {
      const { size } = await stat(join(staging, name));
      say(`unpacked ${name}, ${(size / 1e6).toPrecision(3)} MB`);
    }
    const cuda = join(staging, "libonnxruntime_providers_cuda.so");
    await requireVersion(cuda, version, request.source, signal);
    const problems = await linkageProblems(staging, names, request.system);
    signal.throwIfAborted();
    const facts = { version, source: basename(request.source), sourceSha256: source.digest };
    const placed = await placeLibraries(folder, names, facts);
    return await keepIfItRuns(request, placed, problems);
  } finally {
    await dropStaging(folder);
  }
}

/**
 * Takes the archive that `download` brings. One that is not what was meant is deleted, or it would be taken again the
 * next time; one whose hash nobody has vouched for yet stays.
 */
export async function installDownloaded(
  download: () => Promise<string>,
  request: Omit<InstallRequest, "source">,
): Promise<Installed> {
  await recoverPlacement(request.folder, request.say);
  await refuseInstalled(request.folder);
  const source = await download();
  try {
    return await installGpuLibraries({ ...request, source });
  } catch (error) {
    if (notWhatWasMeant.some((code) => isEdgeError(error, code))) await rm(source, { force: true });
    throw error;
  }
}

const notWhatWasMeant = ["gpu-sha256-mismatch", "gpu-source-damaged", "gpu-source-unknown"] as const;

/** Undoes an installation, or one that was cut off. Returns what was removed; undefined where there was none. */
export async function removeGpuLibraries(folder: string): Promise<Manifest | undefined> {
  const manifest = await readManifest(folder);
  if (manifest === undefined) return undefined;
  const changed = manifest.state === "installed" ? await changedLibraries(folder, manifest) : [];
  if (changed.length > 0) {
    throw machineError("a library is not the one that was installed", {
      code: "gpu-library-changed",
      file: folder,
      found: changed.join(", "),
      remedy:
        "Remove the folder node_modules/onnxruntime-node and run `npm ci`, which brings it back as shipped",
    });
  }
  await undoPlacement(folder, manifest);
  return manifest;
}

async function refuseInstalled(folder: string): Promise<void> {
  if ((await readManifest(folder)) === undefined) return;
  throw usageError("provider libraries are already installed", {
    code: "gpu-already-installed",
    file: folder,
    remedy: "`cnnt-edge gpu status` shows them; run `cnnt-edge gpu remove` first to replace them",
  });
}

async function recoverPlacement(folder: string, say: (line: string) => void): Promise<void> {
  const manifest = await readManifest(folder);
  if (manifest?.state !== "placing") return;
  say("an earlier installation was cut off: putting back what was there");
  await undoPlacement(folder, manifest);
}

async function keepIfItRuns(
  { folder, probe, say, signal }: InstallRequest,
  placed: Manifest,
  problems: readonly LinkageProblem[],
): Promise<Installed> {
  try {
    if (probe !== undefined) {
      say("placed; running a model on the CUDA provider in its own process");
      const reason = await probe();
      signal.throwIfAborted();
      if (reason !== undefined) {
        const missing = problems.map(({ what, remedy }) => `${what}: ${remedy}`).join("; ");
        throw machineError("the CUDA provider does not run here, so nothing was installed", {
          code: "gpu-probe-failed",
          found: reason.message,
          remedy: `${missing === "" ? "Run `cnnt-edge doctor`" : missing}. To place the libraries on a machine without a GPU, add --no-probe`,
        });
      }
    }
    const manifest: Manifest = { ...placed, state: "installed", probed: probe !== undefined };
    await writeManifest(folder, manifest);
    // Where the provider ran, the loader found more than we did.
    return { manifest, problems: probe === undefined ? problems : [] };
  } catch (error) {
    await undoPlacement(folder, placed);
    throw error;
  }
}
