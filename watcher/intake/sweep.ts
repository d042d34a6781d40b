import type { Dirent, Stats } from "node:fs";
import { lstat, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import {
  type EdgeError,
  type ErrorReport,
  formatError,
  isAbsent,
  isDenied,
  machineError,
  reportOf,
  systemCode,
  unsupportedError,
} from "../../core/errors.ts";
import { isForeignText } from "../../formats/image-name.ts";
import {
  isAside,
  isHidden,
  judgeName,
  type NameVerdict,
  quotedName,
  textOfName,
  visibleName,
} from "./candidate-name.ts";
import { folderNotPermitted } from "./not-permitted.ts";
import { type FileLook, type Sighting, sightingOf } from "./sighting.ts";

/** A file that may be an acquisition, as one listing showed it. */
export interface Listed extends FileLook {
  /** Below the folder, with `/`. */
  readonly source: string;
  readonly inode: number;
  readonly verdict:
    | Exclude<NameVerdict, { kind: "ignored" }>
    /** Its name is not UTF-8: `source` shows it, and does not lead to it. */
    | { readonly kind: "misnamed" }
    /** A symbolic link that leads to no file, or in a circle. */
    | { readonly kind: "dangling" }
    /** It is no regular file, nor a folder; reading it might never end. */
    | { readonly kind: "special"; readonly what: string };
}

/** Subfolders that could not be looked into: how many, and why the first of them. */
export interface BlindSpots {
  readonly count: number;
  readonly error: ErrorReport;
}

export interface SweepOptions {
  readonly subfolders: boolean;
  readonly ignore: readonly string[];
  /** Absolute paths of folders that are never looked into: where results and moved sources go. */
  readonly excluded: readonly string[];
  /** Called with each folder in which a killed move may have left a source (absolute path). */
  readonly onAside?: (folder: string) => Promise<void>;
  /** Called with each folder before it is listed (absolute path). */
  readonly onFolder?: (folder: string) => void;
  /** Called after each step on the disk, so that somebody else can tell slow from hanging. */
  readonly onStep?: () => void;
}

/** Subfolders that lie deeper are not looked into. */
export const deepestLevel = 16;
/** More files than this in one watch folder are refused rather than held in memory. */
const mostFiles = 500_000;
/** Looks at the disk that go on at the same time: a share answers a few together faster than one by one. */
const looksAtOnce = 16;

interface Candidate {
  /** As the system takes it. */
  readonly path: string | Buffer;
  readonly source: string;
  readonly verdict: Listed["verdict"];
}

/**
 * Lists `folder`. Symbolic links to folders are not followed (they may loop); links to files are. Throws what
 * the disk throws for `folder` itself; a subfolder that vanishes meanwhile is left out.
 */
export async function sweep(folder: string, options: SweepOptions) {
  const files: Listed[] = [];
  const blind = new Map<string, Error>();
  /** Folders of which nothing, or not all, could be seen, as `a/b/` (`""`: the watch folder): what lies there may be there still. */
  const unseen = new Set<string>();
  const pending = [{ path: folder, below: "", level: 0 }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { path, below, level } = next;
    const overlook = (error: unknown): void => {
      if (isNowhere(error)) return;
      blind.set(path, isDenied(error) ? folderNotPermitted(path, error) : folderNotReadable(path, error));
      unseen.add(below);
    };
    options.onFolder?.(path);
    const entries = await listOf(path, level, overlook);
    options.onStep?.();
    const candidates: Candidate[] = [];
    for (const entry of entries) {
      const text = textOfName(entry.name);
      const name = text ?? visibleName(entry.name);
      const inner = join(path, name);
      if (!entry.isDirectory()) {
        const verdict = judgeName(name, options.ignore);
        if (verdict.kind === "ignored") continue;
        if (text !== undefined) candidates.push({ path: inner, source: `${below}${name}`, verdict });
        else {
          const source = `${below}${quotedName(entry.name)}`;
          const bytes = Buffer.concat([Buffer.from(`${path}/`), entry.name]);
          candidates.push({ path: bytes, source, verdict: { kind: "misnamed" } });
        }
        continue;
      }
      if (isAside(name)) await options.onAside?.(inner);
      const enter = options.subfolders && level < deepestLevel && !isHidden(name);
      if (!enter || options.excluded.includes(inner)) continue;
      if (text === undefined) blind.set(inner, misnamedFolder(inner));
      else pending.push({ path: inner, below: `${below}${name}/`, level: level + 1 });
    }
    const names = candidates.map(({ source }) => source.slice(below.length));
    const taken = candidates.filter((_, index) => !isForeignText(names[index] ?? "", names));
    for (let start = 0; start < taken.length; start += looksAtOnce) {
      const batch = taken.slice(start, start + looksAtOnce);
      const found = await Promise.all(batch.map((one) => lookAt(one, overlook)));
      options.onStep?.();
      files.push(...found.filter((file) => file !== undefined));
    }
    if (files.length > mostFiles) throw tooManyFiles(folder);
  }
  return { files, blind: blindSpots(blind), unseen: [...unseen] };
}

/** The first by name: the same at each look, so that it is told once. */
function blindSpots(found: ReadonlyMap<string, Error>): BlindSpots | undefined {
  const [first] = [...found.keys()].sort();
  return first === undefined ? undefined : { count: found.size, error: reportOf(found.get(first)) };
}

/** Names as bytes: those that are not UTF-8 would come as other names, under which nothing lies. */
async function listOf(
  path: string,
  level: number,
  overlook: (error: unknown) => void,
): Promise<Dirent<Buffer>[]> {
  try {
    return await readdir(path, { withFileTypes: true, encoding: "buffer" });
  } catch (error) {
    // Only the watch folder itself must be there; what vanishes below it will not come back by failing.
    if (level === 0) throw error;
    overlook(error);
    return [];
  }
}

/** undefined for what vanished since it was listed, and for a link to a folder. */
async function lookAt(
  { path, source, verdict }: Candidate,
  overlook: (error: unknown) => void,
): Promise<Listed | undefined> {
  const listed = (
    facts: Pick<Stats, "size" | "mtimeMs" | "ctimeMs" | "ino">,
    kind: Listed["verdict"],
  ): Listed => ({
    source,
    sizeBytes: facts.size,
    mtimeMs: facts.mtimeMs,
    ctimeMs: facts.ctimeMs,
    inode: facts.ino,
    verdict: kind,
  });
  try {
    const facts = await stat(path);
    if (facts.isDirectory()) return undefined;
    if (facts.isFile()) return listed(facts, verdict);
    // Its own times change with all that goes through it.
    const { birthtimeMs } = facts;
    return listed(
      { size: 0, mtimeMs: birthtimeMs, ctimeMs: birthtimeMs, ino: facts.ino },
      { kind: "special", what: kindOf(facts) },
    );
  } catch (error) {
    overlook(error);
    if (!isNowhere(error)) return undefined;
    const own = await lstat(path).catch(() => undefined);
    return own?.isSymbolicLink() === true ? listed(own, { kind: "dangling" }) : undefined;
  }
}

/** Whether nothing has that name, or a link that leads to nothing. */
function isNowhere(error: unknown): boolean {
  return isAbsent(error) || systemCode(error) === "ELOOP";
}

function kindOf(facts: Stats): string {
  if (facts.isFIFO()) return "a pipe";
  return facts.isSocket() ? "a socket" : "a device";
}

/** The disk or the share refuses it, or the process has no more file handles. */
function folderNotReadable(folder: string, cause: unknown) {
  return machineError("not all of the folder can be looked at", {
    code: "subfolder-unreadable",
    file: folder,
    found: systemCode(cause) ?? "unknown",
    remedy: "Check its disk, or the share and its server. The daemon tries again by itself",
    retryable: true,
    cause,
  });
}

function misnamedFolder(folder: string) {
  return formatError("the subfolder's name is not UTF-8, so nothing in it is read", {
    code: "subfolder-misnamed",
    file: folder,
    remedy: "Rename it, for example with: convmv -f latin1 -t utf8 --notest FOLDER",
    retryable: true,
  });
}

function tooManyFiles(folder: string) {
  return machineError("the folder holds too many files", {
    code: "folder-too-large",
    file: folder,
    allowed: `at most ${mostFiles}`,
    remedy: "Move finished acquisitions elsewhere, or watch a subfolder",
  });
}

/** Why a file cannot be taken, as far as its listing alone shows it: name, kind and size. Pure. */
export function listedFault({ source: file, sizeBytes, verdict }: Listed): EdgeError | undefined {
  switch (verdict.kind) {
    // It cannot be opened under the name that we show, so nothing but another name mends it.
    case "misnamed":
      return unsupportedError("the file's name is not UTF-8", {
        code: "file-misnamed",
        file,
        remedy:
          "Rename it, for example with: convmv -f latin1 -t utf8 --notest FILE. The daemon then takes it by itself",
      });
    case "unsupported":
      return unsupportedError(`${verdict.format.name} files are not read`, {
        code: "container-unsupported",
        file,
        remedy: `Export the acquisition from ${verdict.format.exportFrom} as OME-TIFF into this folder, or let the acquisition program save TIFF`,
      });
    // The disk with the link's target may still be mounted.
    case "dangling":
      return formatError("the symbolic link leads to no file", {
        code: "link-dangling",
        file,
        remedy: "Mount the disk of its target, or make the link again. The daemon then takes it by itself",
      });
    case "special":
      return unsupportedError(`this is ${verdict.what} and not a file`, {
        code: "not-a-file",
        file,
        remedy: "Put the acquisition's file in its place, or rename it",
      });
    default:
      if (sizeBytes > 0) return undefined;
      return formatError("the file is empty", {
        code: "file-empty",
        file,
        remedy: "Copy the file again; it has no content",
      });
  }
}

/** Whether there are bytes that tell one content from another. */
export function canBeRead({ verdict }: Listed): boolean {
  return verdict.kind === "image" || verdict.kind === "unsupported";
}

/** A file of which only the listing could be had. */
export function unread({ source, sizeBytes, mtimeMs, ctimeMs }: Listed): Sighting {
  const hashes = { ends: "unread", middle: "unread" };
  return sightingOf([{ source, look: { sizeBytes, mtimeMs, ctimeMs }, hashes }]);
}
