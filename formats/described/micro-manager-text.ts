import { formatError, unsupportedError } from "../../core/errors.ts";
import { isRecord } from "../../core/record.ts";
import { nameLimits } from "../file/name-limit.ts";
import { tooManyFiles } from "./described-set.ts";

/** What Micro-Manager's `metadata.txt` says of the planes beside it. */
export interface MicroManagerText {
  /** Whether the acquisition has ended: the text is closed then, also where it was stopped early. */
  readonly ended: boolean;
  /** What was asked for; undefined where that is not stated. */
  readonly asked: { readonly t: number; readonly c: number; readonly z: number } | undefined;
  /** undefined where what is stated is no text. */
  readonly channelNames: readonly (string | undefined)[];
  readonly pixelSizeUm: number | undefined;
  readonly zStepUm: number | undefined;
  readonly intervalMs: number | undefined;
  /** The planes that it lists. */
  readonly planes: readonly ListedPlane[];
}

/** Characters. JSON that is nested without end takes fifty times its size in memory. */
const longestEntry = 4 * 2 ** 20;

export interface ListedPlane {
  readonly name: string;
  /** As the key of version 1.4 states it (`FrameKey-time-channel-plane`); else only the name does. */
  readonly place?: { readonly t: number; readonly c: number; readonly z: number };
}

export function looksLikeMicroManager(text: string): boolean {
  return /^\uFEFF?\s*\{\s*"Summary"\s*:\s*\{/.test(text);
}

/**
 * Reads the text as far as it is written: Micro-Manager appends an entry after each plane, and the last bracket at the end.
 * Throws `EdgeError` where not even its summary is whole, where it lists more
 * planes than `mostPlanes`, and where a name or an entry is longer than is allowed.
 */
export function readMicroManager(text: string, file: string, mostPlanes: number): MicroManagerText {
  const { entries, listed, ended } = entriesOf(text, mostPlanes);
  if (listed > mostPlanes) throw tooManyFiles(file, listed, mostPlanes);
  const summary = parsed(entries.find(({ key }) => key === "Summary")?.value, file);
  if (summary === undefined) {
    throw formatError("the summary of Micro-Manager's metadata is cut or damaged", {
      code: "micro-manager-summary",
      file,
      remedy: "Wait until it is written, or copy it again",
      retryable: true,
    });
  }
  const planes = entries.flatMap(planeOf);
  const firstFrame = parsed(entries.find(({ key }) => key !== "Summary")?.value, file) ?? {};
  const names: readonly unknown[] = Array.isArray(summary["ChNames"]) ? summary["ChNames"] : [];
  const channelNames = names.map((name) => (typeof name === "string" ? name : undefined));
  refuseLong([...channelNames, ...planes.map(({ name }) => name)], file);
  const zStepUm = summary["z-step_um"];
  return {
    ended,
    asked: askedOf(summary),
    channelNames,
    pixelSizeUm: positive(summary["PixelSize_um"]) ?? positive(firstFrame["PixelSizeUm"]),
    zStepUm: typeof zStepUm === "number" ? positive(Math.abs(zStepUm)) : undefined,
    intervalMs: positive(summary["Interval_ms"]),
    planes,
  };
}

/** Each name stands in the names of many files, which are made up to say which of them are missing. */
function refuseLong(names: readonly (string | undefined)[], file: string): void {
  const long = names.find((name) => name !== undefined && name.length > nameLimits.usual);
  if (long === undefined) return;
  throw unsupportedError("a name in Micro-Manager's metadata is longer than the name of a file can be", {
    code: "micro-manager-name",
    file,
    found: `${long.length} characters`,
    allowed: `at most ${nameLimits.usual}`,
    remedy: "Save the acquisition again, or read its files by a pattern (--pattern, folders[].pattern)",
  });
}

function askedOf(summary: Readonly<Record<string, unknown>>): MicroManagerText["asked"] {
  const intended = isRecord(summary["IntendedDimensions"]) ? summary["IntendedDimensions"] : {};
  const t = count(summary["Frames"]) ?? count(intended["time"]);
  const c = count(summary["Channels"]) ?? count(intended["channel"]);
  const z = count(summary["Slices"]) ?? count(intended["z"]);
  return t === undefined || c === undefined || z === undefined ? undefined : { t, c, z };
}

function planeOf({ key, value }: Entry): ListedPlane[] {
  const [, t, c, z] = /^FrameKey-([0-9]{1,9})-([0-9]{1,9})-([0-9]{1,9})$/.exec(key) ?? [];
  if (t !== undefined) {
    // Parsing each entry whole, of hundreds of settings, takes seconds.
    const [, name] = /"FileName"\s*:\s*"([^"\\]+)"/.exec(value) ?? [];
    return name === undefined
      ? []
      : [{ name: lastPart(name), place: { t: Number(t), c: Number(c), z: Number(z) } }];
  }
  const [, path] = /^Metadata-(.+)$/s.exec(key) ?? [];
  return path === undefined ? [] : [{ name: lastPart(path) }];
}

/** Version 2.0 names the file with the folder of its position. */
function lastPart(path: string): string {
  return path.slice(Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1);
}

const isRead = /^(Summary$|FrameKey-|Metadata-)/;

interface Entry {
  readonly key: string;
  /** JSON. */
  readonly value: string;
}

/** The summary and the planes, as far as they are whole, of one JSON object, and whether the object is closed. One pass over the text. */
function entriesOf(text: string, mostPlanes: number) {
  const entries: Entry[] = [];
  // The first entry is the summary. Planes beyond those that are allowed are only counted.
  let listed = 0;
  let depth = 0;
  let key: string | undefined;
  let start = 0;
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at];
    if (char === '"') {
      const end = endOfString(text, at);
      if (end === undefined) break;
      if (depth === 1 && key === undefined) key = text.slice(at + 1, end);
      at = end;
    } else if (char === "{" || char === "[") {
      if (depth === 1) start = at;
      depth += 1;
    } else if (char === "}" || char === "]") {
      depth -= 1;
      if (depth === 0) return { entries, listed, ended: true };
      if (depth !== 1 || key === undefined || !isRead.test(key)) continue;
      if (entries.length > 0) listed += 1;
      if (listed <= mostPlanes) entries.push({ key, value: text.slice(start, at + 1) });
    } else if (char === "," && depth === 1) key = undefined;
  }
  return { entries, listed, ended: false };
}

function endOfString(text: string, start: number): number | undefined {
  for (let at = start + 1; at < text.length; at += 1) {
    if (text[at] === "\\") at += 1;
    else if (text[at] === '"') return at;
  }
  return undefined;
}

function parsed(value: string | undefined, file: string): Record<string, unknown> | undefined {
  if (value !== undefined && value.length > longestEntry) {
    throw unsupportedError("an entry of Micro-Manager's metadata is longer than is allowed", {
      code: "micro-manager-entry",
      file,
      found: `${value.length} characters`,
      allowed: `at most ${longestEntry}`,
      remedy: "Read the files by a pattern (--pattern, folders[].pattern)",
    });
  }
  try {
    const found: unknown = value === undefined ? undefined : JSON.parse(value);
    return isRecord(found) ? found : undefined;
  } catch {
    return undefined;
  }
}

function positive(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) && value > 0 ? value : undefined;
}

function count(value: unknown): number | undefined {
  return Number.isSafeInteger(value) && (value as number) > 0 ? (value as number) : undefined;
}
