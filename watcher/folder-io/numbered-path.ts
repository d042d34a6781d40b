import { join, parse } from "node:path";
import { machineError } from "../../core/errors.ts";
import { fittedName } from "../../formats/file/name-limit.ts";

/** More names than this are not tried for one file. */
export const mostNumbers = 1000;

/**
 * `a/b.tif`, then `a/b-2.tif`, `a/b-3.tif`, …: the path that is tried as the `number`-th, from 1. A name of more than
 * `limitBytes` is shortened. Pure.
 */
export function numberedPath(path: string, number: number, limitBytes: number): string {
  const { dir, name, ext } = parse(path);
  return join(dir, fittedName(name, number === 1 ? ext : `-${number}${ext}`, limitBytes));
}

export function noFreeName(file: string) {
  return machineError("no free name is left for the source", {
    code: "move-names",
    file,
    remedy: "Empty the folder that finished sources are moved to",
    retryable: true,
  });
}
