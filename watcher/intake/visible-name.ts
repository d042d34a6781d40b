import { isUtf8 } from "node:buffer";

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
