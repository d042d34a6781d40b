import { basename, dirname } from "node:path";

/**
 * Takes the configured folders out of a text: what lies below one is told relative to it, the folder itself by its
 * last name. Error messages carry absolute paths, and those say more about a lab than its broker should know.
 */
export function hidePaths(text: string, roots: readonly string[]): string {
  // Longer ones first: a folder may lie below another.
  return [...roots]
    .sort((one, other) => other.length - one.length)
    .reduce((hidden, root) => hidden.replaceAll(`${root}/`, "").replaceAll(root, basename(root)), text);
}

/** The folders that a configuration names, and those above its model folders. */
export function rootsOf(
  state: string,
  folders: readonly {
    path: string;
    output: string;
    moveTo: string | undefined;
    model: string;
    channels: Readonly<Record<string, string>>;
  }[],
): string[] {
  const roots = folders.flatMap(({ path, output, moveTo, model, channels }) => [
    path,
    output,
    ...(moveTo === undefined ? [] : [moveTo]),
    ...[model, ...Object.values(channels)].map((dir) => dirname(dir)),
  ]);
  // "/" and "." would take every slash out of every text.
  return [...new Set([...roots, state])].filter((root) => root.startsWith("/") && root.length > 1);
}
