import { readFileSync } from "node:fs";
import { join } from "node:path";

const root = new URL("..", import.meta.url).href;
let compiled;

/** `folder` holds each TypeScript file of the repository as JavaScript, at the same place below it. */
export function initialize(folder) {
  compiled = folder;
}

/** Node's `load` hook. */
export async function load(url, context, next) {
  if (!url.startsWith(root) || !url.endsWith(".ts")) return next(url, context);
  const file = join(compiled, decodeURIComponent(url.slice(root.length, -".ts".length)));
  return { format: "module", source: readFileSync(`${file}.js`), shortCircuit: true };
}
