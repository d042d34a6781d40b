import { isCompanion } from "./tiff/companion.ts";

/** Endings under which microscopes and programs save TIFF; lower case. */
const tiffEndings = [".tif", ".tiff", ".stk", ".btf", ".tf8"];

export function isTiffName(name: string): boolean {
  const lower = name.toLowerCase();
  return tiffEndings.some((ending) => lower.endsWith(ending));
}

/**
 * Whether a file of a folder is meant as an image. Only its name counts: metadata, notes and files of other programs
 * lie beside images, and none of them may stop the work. `watch` and `denoise` take TIFF names and companions, no `.npy`.
 */
export function isImageName(name: string): boolean {
  return !name.startsWith(".") && (isTiffName(name) || isCompanion(name) || /\.npy$/i.test(name));
}
