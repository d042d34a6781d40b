import { basename } from "node:path";

/** Endings that say what a file is, and not which. */
const endings = /(\.ome)?\.(tiff?|btf|tf[28]|lsm|stk|npy)$|\.companion\.ome$/i;

/** The name of an acquisition's result: `<stem>.denoised.ome.tif`, `.sN` before it for another series than the first. */
export function resultName(source: string, series = 0): string {
  const name = basename(source);
  const stem = name.replace(endings, "");
  return `${stem === "" ? name : stem}${series === 0 ? "" : `.s${series}`}.denoised.ome.tif`;
}
