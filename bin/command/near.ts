import { relative, resolve } from "node:path";

/** A path as seen from the current folder; undefined where it does not lie below it. */
export function belowHere(path: string): string | undefined {
  const below = relative(process.cwd(), resolve(path));
  return below === "" || below.startsWith("..") ? undefined : below;
}

/** A path below the current folder as `./…`, any other as it is. */
export function near(path: string): string {
  const below = belowHere(path);
  return below === undefined ? path : `./${below}`;
}
