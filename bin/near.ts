import { relative, resolve } from "node:path";

/** A path below the current folder as `./…`, any other as it is. */
export function near(path: string): string {
  const below = relative(process.cwd(), resolve(path));
  return below !== "" && !below.startsWith("..") ? `./${below}` : path;
}
