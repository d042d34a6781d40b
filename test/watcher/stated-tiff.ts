import { buildTiff, numberedPages } from "../formats/build-tiff.ts";

/** An ImageJ TIFF of 4 x 3 uint16, whose description says that it has `planes` planes; of these it has `written`. */
export function statedTiff(planes: number, { written = planes, seed = 1 } = {}): Buffer {
  const description = `ImageJ=1.53t\nimages=${planes}\nslices=${planes}\n`;
  const [first, ...rest] = numberedPages(written, 4, 3, seed);
  return buildTiff(first === undefined ? [] : [{ ...first, description }, ...rest]);
}
