import { microManagerPlace, microManagerText } from "./described/micro-manager-names.ts";
import { tiffEndings } from "./tiff/tiff-name.ts";

/** How images are named: which files of a folder are meant as images, and what of a name tells which image it is. Pure. */

/** Lower case, as all here. */
const companionEnding = ".companion.ome";
/** MetaMorph's description of the files beside it. */
const ndEnding = ".nd";
const lifEnding = ".lif";
const npyEnding = ".npy";
/** Of folders. */
const zarrEnding = ".zarr";

/** What `watch` and `denoise` take of a folder. */
export const acquisitionEndings: readonly string[] = [...tiffEndings, companionEnding, ndEnding, lifEnding];
/** What `denoise` takes beside them. */
export const givenEndings: readonly string[] = [...acquisitionEndings, zarrEnding];
/** What `calibrate` and `compare` take of a folder. */
export const imageEndings: readonly string[] = [
  ...tiffEndings,
  companionEnding,
  lifEnding,
  npyEnding,
  zarrEnding,
];

/** Files that describe the files beside them, but for OME's; `*` stands for any characters. */
export const descriptionNames: readonly string[] = [`*${ndEnding}`, microManagerText];

function endsWithOne(name: string, endings: readonly string[]): boolean {
  const lower = name.toLowerCase();
  return endings.some((ending) => lower.endsWith(ending));
}

/** Whether a file's name says that it describes a set and holds none of its planes. */
export function isCompanion(path: string): boolean {
  const name = path.slice(path.lastIndexOf("/") + 1);
  return endsWithOne(name, [companionEnding, ndEnding]) || name.toLowerCase() === microManagerText;
}

/** Whether a folder's name says that it is an OME-Zarr that is not hidden. */
export function isZarrName(name: string): boolean {
  return !name.startsWith(".") && endsWithOne(name, [zarrEnding]);
}

/** Whether `watch` and `denoise` take a file of this name from a folder, if it is not hidden. */
export function isAcquisitionName(name: string): boolean {
  return endsWithOne(name, acquisitionEndings) || name.toLowerCase() === microManagerText;
}

/** Whether a file of this name is another program's, and no image, unless one of `beside` is a plane that it describes. */
export function isForeignText(name: string, beside: readonly string[]): boolean {
  return (
    name.toLowerCase() === microManagerText && !beside.some((one) => microManagerPlace(one) !== undefined)
  );
}

/**
 * Whether a file of a folder is meant as an image. Only its name counts: metadata, notes and files of other programs
 * lie beside images, and none of them may stop the work.
 */
export function isImageName(name: string): boolean {
  return !name.startsWith(".") && endsWithOne(name, imageEndings);
}

const anyEnding = new RegExp(
  `(\\.ome)?(${[...tiffEndings, lifEnding, ndEnding, npyEnding, zarrEnding].join("|").replaceAll(".", "\\.")})$|${companionEnding.replaceAll(".", "\\.")}$`,
  "i",
);

const belowStore = /^(.*\.zarr)\/(.*[^/])\/*$/i;

/**
 * `a/b/cells.ome.tif` → `a/b/cells`: the part of a name that tells which image it is. Of Micro-Manager's `a/b/metadata.txt` that is
 * its folder, `a/b`; of the field `plate.zarr/A/1/0` of a store, `plate.A.1.0`.
 */
export function imageStem(path: string): string {
  const folder = path.slice(0, Math.max(0, path.lastIndexOf("/")));
  const name = path.slice(path.lastIndexOf("/") + 1);
  if (name.toLowerCase() === microManagerText) return folder === "" ? "metadata" : folder;
  const [, store, field] = belowStore.exec(path) ?? [];
  if (store !== undefined && field !== undefined)
    return `${imageStem(store)}.${imageStem(field).replaceAll("/", ".")}`;
  return path.replace(anyEnding, "");
}
