import { isUtf8 } from "node:buffer";
import { type ForeignName, foreignNameOf } from "../../formats/foreign-formats.ts";
import { isAcquisitionName } from "../../formats/image-name.ts";
import { resultEndings } from "../../runtime/job/result-name.ts";

/** What a file's name alone says about it. Pure. */

/** Programs that copy or save write under these names and rename at the end. Lower case. */
const temporarySuffixes = [
  "~",
  ".partial",
  ".part",
  ".filepart",
  ".crdownload",
  ".download",
  ".tmp",
  ".temp",
  ".swp",
  ".lock",
];

/** Our own results carry one of these, wherever they lie; denoising them again would never end. */
const resultSuffixes: readonly string[] = Object.values(resultEndings);

export type NameVerdict =
  | { readonly kind: "image" }
  /** A microscope's format that we cannot read. */
  | { readonly kind: "unsupported"; readonly format: ForeignName }
  | { readonly kind: "ignored" };

/** `name` is the last part of the path; `patterns` as in the configuration's `ignore`. */
export function judgeName(name: string, patterns: readonly string[] = []): NameVerdict {
  const lower = name.toLowerCase();
  const ignored =
    isHidden(name) ||
    resultSuffixes.some((suffix) => lower.endsWith(suffix)) ||
    temporarySuffixes.some((suffix) => lower.endsWith(suffix)) ||
    patterns.some((pattern) => matches(lower, pattern.toLowerCase()));
  if (ignored) return { kind: "ignored" };
  if (isAcquisitionName(name)) return { kind: "image" };
  const format = foreignNameOf(name);
  return format === undefined ? { kind: "ignored" } : { kind: "unsupported", format };
}

export function isHidden(name: string): boolean {
  return name.startsWith(".");
}

/** A hidden folder in which a source lies for the last moment of its move (`folder-io/set-aside.ts`). */
export function isAside(name: string): boolean {
  return /^\.cnnt-edge-moving-[0-9a-f]{16}$/.test(name);
}

/** `*` stands for any characters. Linear in the product of the lengths: a pattern comes from a configuration. */
function matches(text: string, pattern: string): boolean {
  const [first = "", ...rest] = pattern.split("*");
  if (!text.startsWith(first)) return false;
  if (rest.length === 0) return text === first;
  const last = rest.pop() ?? "";
  let position = first.length;
  for (const part of rest) {
    const found = text.indexOf(part, position);
    if (found < 0) return false;
    position = found + part.length;
  }
  return text.length - last.length >= position && text.endsWith(last);
}

/** Names as the file system has them: any bytes. Pure. */

/** The name as text where it is UTF-8; else undefined, because no text would lead to the file again. */
export function textOfName(name: Buffer): string | undefined {
  return isUtf8(name) ? name.toString() : undefined;
}

/** For a person: what is UTF-8 as it is, other bytes as `\xfc`, a backslash as two. Nothing is lost. */
export function visibleName(name: Buffer): string {
  let visible = "";
  for (let at = 0; at < name.length; ) {
    const length = [1, 2, 3, 4].find((count) => isUtf8(name.subarray(at, at + count)));
    const char = name.subarray(at, at + (length ?? 1));
    if (length === undefined) visible += `\\x${char.toString("hex")}`;
    else visible += char.toString() === "\\" ? "\\\\" : char.toString();
    at += char.length;
  }
  return visible;
}

/**
 * `$'\xfc.tif'`: the same as bash takes it. It ends with a quote, as no image's name does, so a file whose name really
 * is `\xfc.tif` is never taken for this one.
 */
export function quotedName(name: Buffer): string {
  return `$'${visibleName(name).replaceAll("'", "\\'")}'`;
}
