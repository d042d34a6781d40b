/** Endings under which microscopes and programs save TIFF; `.tf2`, `.tf8` and `.btf` are BigTIFF. Lower case. */
export const tiffEndings: readonly string[] = [".tif", ".tiff", ".stk", ".btf", ".tf2", ".tf8"];

/** Whether a file of this name is taken as a TIFF. */
export function isTiffName(name: string): boolean {
  const lower = name.toLowerCase();
  return tiffEndings.some((ending) => lower.endsWith(ending));
}
