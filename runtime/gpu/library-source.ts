import { spawn } from "node:child_process";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, open, readdir, rm, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { pipeline } from "node:stream/promises";
import yauzl, { type Entry } from "yauzl";
import { formatError, machineError, unsupportedError, usageError } from "../../core/errors.ts";
import { type Digest, digestOfFile } from "../../formats/file/file-digest.ts";
import { digestOfFolder } from "./digest.ts";

/**
 * Where the GPU provider libraries of ONNX Runtime come from: the Python wheel `onnxruntime_gpu-<version>-….whl`, the
 * NuGet package `Microsoft.ML.OnnxRuntime.Gpu.Linux.<version>.nupkg` (both are zip files), the release
 * `onnxruntime-linux-x64-gpu-<version>.tgz`, or a folder that holds the libraries themselves.
 */

export const libraryNames = [
  "libonnxruntime_providers_shared.so",
  "libonnxruntime_providers_cuda.so",
  "libonnxruntime_providers_tensorrt.so",
] as const;
export type LibraryName = (typeof libraryNames)[number];

export function isLibraryName(name: string): name is LibraryName {
  return (libraryNames as readonly string[]).includes(name);
}

type SourceKind = "folder" | "zip" | "tar";

export interface LibrarySource {
  readonly path: string;
  readonly kind: SourceKind;
  readonly digest: Digest;
}

/** The largest library today is 272 MB; ten times that is no library. */
const maxLibraryBytes = 3_000_000_000;
const what = "Name the onnxruntime_gpu wheel, the nupkg, the release's tgz, or a folder with the libraries";

/** Tells what kind of source it is and takes its SHA-256, before a byte of it is unpacked. */
export async function openLibrarySource(path: string, signal: AbortSignal): Promise<LibrarySource> {
  const facts = await stat(path).catch(() => undefined);
  if (facts === undefined) {
    throw usageError("there is no such file or folder", {
      code: "gpu-source-missing",
      file: path,
      remedy: what,
    });
  }
  if (facts.isDirectory()) {
    const names = (await readdir(path)).filter(isLibraryName).sort();
    return { path, kind: "folder", digest: await digestOfFolder(path, names, signal) };
  }
  return { path, kind: await archiveKind(path), digest: await digestOfFile(path, { signal }) };
}

/**
 * Copies the wanted libraries into `target`, an empty folder.
 * Throws `EdgeError` (`unsupported`, `gpu-source-lacks-library`) when the source does not hold all of them.
 */
export async function extractLibraries(
  source: LibrarySource,
  wanted: readonly LibraryName[],
  target: string,
  signal: AbortSignal,
): Promise<void> {
  await extractors[source.kind](source.path, wanted, target, signal);
  const present = await readdir(target);
  const lacking = wanted.find((name) => !present.includes(name));
  if (lacking === undefined) return;
  throw unsupportedError(`it holds no ${lacking}`, {
    code: "gpu-source-lacks-library",
    file: source.path,
    remedy:
      "Take the GPU package for linux-x64 of exactly the runtime's version; the plain CPU package does not have it",
  });
}

async function archiveKind(file: string): Promise<SourceKind> {
  const handle = await open(file, "r");
  try {
    const { buffer } = await handle.read(Buffer.alloc(4), 0, 4, 0);
    if (buffer.readUInt32LE(0) === 0x04034b50) return "zip";
    if (buffer[0] === 0x1f && buffer[1] === 0x8b) return "tar";
  } finally {
    await handle.close();
  }
  throw unsupportedError("this is neither a wheel nor a nupkg nor a tgz", {
    code: "gpu-source-unknown",
    file,
    remedy: what,
  });
}

/** Copies those of the wanted libraries that it finds. */
type Extractor = (
  from: string,
  wanted: readonly LibraryName[],
  target: string,
  signal: AbortSignal,
) => Promise<void>;

const extractZip: Extractor = async (file, wanted, target, signal) => {
  const zip = await yauzl
    .openPromise(file, { lazyEntries: true, autoClose: false, validateEntrySizes: true })
    .catch((cause: unknown) => {
      throw formatError("the archive's directory cannot be read", {
        code: "gpu-source-damaged",
        file,
        found: cause instanceof Error ? cause.message : String(cause),
        remedy: "Copy it again; it may be cut",
      });
    });
  try {
    for await (const entry of zip.eachEntry()) {
      const name = wanted.find((library) => isLinuxLibrary(entry, library));
      if (name === undefined) continue;
      requireHonestSize(entry.uncompressedSize, entry.fileName, file);
      await pipeline(await zip.openReadStreamPromise(entry), createWriteStream(join(target, name)), {
        signal,
      });
    }
  } finally {
    zip.close();
  }
};

/** A package for several platforms holds other folders beside `linux-x64`; a wheel holds `capi/` alone. */
function isLinuxLibrary(entry: Entry, library: LibraryName): boolean {
  return basename(entry.fileName) === library && !/win|osx|arm64/i.test(entry.fileName);
}

const extractTar: Extractor = async (file, wanted, target, signal) => {
  const unpacked = join(target, "unpacked");
  await mkdir(unpacked);
  const patterns = wanted.map((name) => `*/${name}`);
  const child = spawn(
    "tar",
    ["-xzf", file, "-C", unpacked, "--no-same-owner", "--no-same-permissions", "--wildcards", ...patterns],
    { stdio: ["ignore", "ignore", "pipe"], signal },
  );
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr = (stderr + text).slice(-1000);
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  // tar also fails when a pattern matches nothing: what is missing is named by the caller.
  if (code !== 0 && !stderr.includes("Not found in archive")) {
    throw machineError("tar could not unpack the archive", {
      code: "gpu-source-damaged",
      file,
      found: stderr.trim().split("\n")[0] ?? "",
      remedy: "Copy it again; it may be cut",
    });
  }
  for (const entry of await readdir(unpacked, { recursive: true, withFileTypes: true })) {
    if (entry.isFile() && wanted.some((name) => name === entry.name)) {
      await copyFrom(entry.parentPath, [entry.name].filter(isLibraryName), target, signal);
    }
  }
  await rm(unpacked, { recursive: true });
};

const copyFrom: Extractor = async (folder, wanted, target, signal) => {
  const present = await readdir(folder);
  for (const name of wanted.filter((library) => present.includes(library))) {
    const from = join(folder, name);
    requireHonestSize((await stat(from)).size, name, folder);
    await pipeline(createReadStream(from), createWriteStream(join(target, name)), { signal });
  }
};

const extractors: Readonly<Record<SourceKind, Extractor>> = {
  zip: extractZip,
  tar: extractTar,
  folder: copyFrom,
};

function requireHonestSize(bytes: number, at: string, file: string): void {
  if (bytes <= maxLibraryBytes) return;
  throw formatError("a library is larger than any real one", {
    code: "gpu-source-too-large",
    file,
    at,
    found: `${bytes} bytes`,
  });
}
