import { unsupportedError } from "../../core/errors.ts";

/**
 * The graph's own name for its input or output: the one that the package gives it, or, since a description may call it
 * otherwise, the only one there is. Throws `EdgeError` (`unsupported`) where neither is.
 */
export function graphName(
  wanted: string,
  names: readonly string[],
  what: "input" | "output",
  file: string,
): string {
  if (names.includes(wanted)) return wanted;
  const [only, ...others] = names;
  if (only !== undefined && others.length === 0) return only;
  throw unsupportedError(`the model's graph has no ${what} of this name`, {
    code: "network-names",
    file,
    found: names.join(", "),
    allowed: wanted,
    remedy: `A model with one ${what} can be run`,
  });
}
