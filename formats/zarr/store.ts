import { lstat, readdir, realpath } from "node:fs/promises";
import { join } from "node:path";
import { type EdgeError, formatError, isAbsent, unsupportedError } from "../../core/errors.ts";
import { isRecord } from "../../core/record.ts";
import { type ByteSource, openByteSource } from "../file/byte-source.ts";
import { openError } from "../file/file-errors.ts";

/** Longest metadata that are read: those of every frame may be among them. Bytes. */
const longestJsonBytes = 64 * 2 ** 20;

/** A folder that holds Zarr arrays, on a disk. Keys are paths below it, with "/". Nothing outside of it is ever opened. */
export interface ZarrStore {
  /** Path as given. */
  readonly folder: string;
  /** As a person would name what lies under a key. */
  pathOf(key: string): string;
  /** undefined where there is nothing. The caller closes it. */
  open(key: string): Promise<ByteSource | undefined>;
  /** undefined where there is nothing. Throws `EdgeError` where it is no JSON object, or longer than is allowed. */
  readJson(key: string): Promise<Record<string, unknown> | undefined>;
  /** What lies in a folder, in the order of names; nothing where there is no such folder. Throws `EdgeError` where a link is among it. */
  list(key: string): Promise<readonly { readonly name: string; readonly isFolder: boolean }[]>;
}

/** Throws `EdgeError` where the folder cannot be reached. */
export async function openStore(folder: string): Promise<ZarrStore> {
  const real = await realpath(folder).catch((cause: unknown) => {
    throw openError(cause, folder);
  });
  // Not normalized: paths below the folder begin as it was given.
  const pathOf = (key: string): string => (key === "" ? folder : `${folder}/${key}`);
  /** Whether something lies under a key. */
  const reach = async (key: string): Promise<boolean> => {
    const place = join(real, key);
    const found = await realpath(place).catch(async (cause: unknown) => {
      if (!isAbsent(cause)) throw openError(cause, pathOf(key));
      // A link to nothing is no chunk that was left out.
      return (await lstat(place).catch(() => undefined)) === undefined ? undefined : "";
    });
    if (found !== undefined && found !== place) throw linked(pathOf(key));
    return found !== undefined;
  };
  return {
    folder,
    pathOf,
    open: async (key) => ((await reach(key)) ? openByteSource(pathOf(key)) : undefined),
    async readJson(key) {
      if (!(await reach(key))) return undefined;
      const source = await openByteSource(pathOf(key));
      try {
        return await jsonOf(source);
      } finally {
        await source.close();
      }
    },
    async list(key) {
      if (!(await reach(key))) return [];
      const entries = await readdir(pathOf(key), { withFileTypes: true }).catch((cause: unknown) => {
        if (isAbsent(cause)) return [];
        throw openError(cause, pathOf(key));
      });
      const link = entries.find((entry) => entry.isSymbolicLink());
      if (link !== undefined) throw linked(pathOf(key === "" ? link.name : `${key}/${link.name}`));
      return entries
        .map((entry) => ({ name: entry.name, isFolder: entry.isDirectory() }))
        .sort((one, other) => (one.name < other.name ? -1 : 1));
    },
  };
}

async function jsonOf(source: ByteSource): Promise<Record<string, unknown>> {
  const { file, size } = source;
  if (size > longestJsonBytes) {
    throw unsupportedError("the metadata of the OME-Zarr are longer than is allowed", {
      code: "zarr-metadata-size",
      file,
      found: `${size} bytes`,
      allowed: `${longestJsonBytes} bytes`,
      remedy: "Write the image again without the metadata of each frame",
    });
  }
  const bytes = Buffer.alloc(size);
  await source.readInto(bytes, 0);
  const found = parsed(bytes.toString("utf8"));
  if (isRecord(found)) return found;
  throw formatError("the metadata of the OME-Zarr are no JSON object", {
    code: "zarr-json",
    file,
    found: size === 0 ? "an empty file" : `${size} bytes that are cut or damaged, or nested too deep`,
    remedy: "Wait until it is written completely, or copy it again",
    retryable: true,
  });
}

/** Nobody's metadata lie deeper; what follows them by calling itself would run out of stack some thousand levels down. */
const deepestJson = 100;

/** undefined where it is no JSON, or lies deeper than is allowed. */
function parsed(text: string): unknown {
  try {
    return depthOf(text) > deepestJson ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** How deep the brackets of a text lie; those in its strings do not count. */
function depthOf(text: string): number {
  let [depth, deepest] = [0, 0];
  for (const [part] of text.matchAll(/"(?:[^"\\]|\\.)*"|[[\]{}]/g)) {
    if (part === "[" || part === "{") depth += 1;
    else if (part === "]" || part === "}") depth -= 1;
    deepest = Math.max(deepest, depth);
  }
  return deepest;
}

function linked(file: string): EdgeError {
  return unsupportedError("a symbolic link inside an OME-Zarr is not followed", {
    code: "zarr-link",
    file,
    remedy: "Put the file or folder itself in its place",
  });
}
