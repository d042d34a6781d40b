import { visible } from "./errors.ts";

/**
 * The sentence of an error about a file, for a line that names the file already: `/data/in/a.tif: it is cut` becomes
 * `it is cut` for the source `a.tif`. A sentence that does not begin with this file stays as it is. Pure.
 */
export function withoutOwnName(sentence: string, source: string): string {
  const name = `${visible(source)}: `;
  const start = sentence.indexOf(name);
  const above = sentence.slice(0, Math.max(0, start));
  const isOwn = start === 0 || (above.startsWith("/") && above.endsWith("/") && !above.includes(": "));
  return isOwn ? sentence.slice(start + name.length) : sentence;
}
