import { basename } from "node:path";
import { fittedName, nameLimits } from "../formats/name-limit.ts";

/** Endings that say what a file is, and not which. */
const endings = /(\.ome)?\.(tiff?|btf|tf[28]|lsm|stk|npy)$|\.companion\.ome$/i;

/**
 * The name of an acquisition's result: `<stem>.denoised.ome.tif`, `.sN` before it for another series than the first. One
 * that is longer than `limitBytes` is shortened.
 */
export function resultName(source: string, series = 0, limitBytes: number = nameLimits.usual): string {
  const name = basename(source);
  const stem = name.replace(endings, "");
  const ending = `${series === 0 ? "" : `.s${series}`}.denoised.ome.tif`;
  return fittedName(stem === "" ? name : stem, ending, limitBytes);
}
