/**
 * Copies the TIFFs that the tests always need, with their entries of tiff-truth.json, from a data folder to
 * test/fixtures/tiff. Only files made for tests and openly licensed ones; the README there names the sources.
 *
 *   node --import tsx test/peers/pick-tiff-fixtures.ts DATA_FOLDER
 */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

const picked = [
  "made/bigtiff-be-stack-u16.tif",
  "made/description-latin1-u16.tif",
  "made/ij-one-ifd-be-zyx-u16.tif",
  "made/ij-zyx-u8.tif",
  "made/lzw-pred2-be-stack-u16.tif",
  "made/ome-tiffdata-reversed.ome.tif",
  "made/ome-two-images.ome.tif",
  "made/pages-of-two-types.tif",
  "made/tiled-odd-size-u16.tif",
  "made/tiny-3x3-stack-u16.tif",
  "made/zlib-pred3-be-stack-f32.tif",
  "made/zstd-pred2-stack-u16.tif",
  "made/refuse/bits-of-7000.tif",
  "made/refuse/cut-in-data.tif",
  "made/refuse/eight-bytes.tif",
  "made/refuse/ifd-loop.tif",
  "made/refuse/lying-length.tif",
  "made/refuse/lzw-damaged.tif",
  "made/refuse/next-ifd-beyond-end.tif",
  "made/refuse/ome-entity-bomb.ome.tif",
  "made/refuse/strip-beyond-end.tif",
  "made/refuse/strip-count-lies.tif",
  "made/refuse/text.tif",
  "tiff/imagej/gray16signedA.tif",
  "tiff/image-rs/seq-1c-16b-lzw-68f373a0.tiff",
  "tiff/image-rs/seq-1c-16b-tiled-68f373a0.tiff",
  "tiff/image-rs/seq-1c-32f-deflate-fpredict-390fe673.tiff",
  "tiff/image-rs/seq-1c-8b-palette-89b39bc3.tiff",
  "series/ome-companion",
  "series/ome-companion-incomplete",
];

const [root] = process.argv.slice(2);
if (root === undefined) {
  process.stderr.write("name the data folder\n");
  process.exit(2);
}
const truths = JSON.parse(readFileSync(join(root, "tiff-truth.json"), "utf8")) as Record<string, object>;
const target = join(import.meta.dirname, "../fixtures/tiff");
const kept: Record<string, object> = {};
for (const name of picked) {
  mkdirSync(dirname(join(target, name)), { recursive: true });
  cpSync(join(root, name), join(target, name), { recursive: true, mode: 0 });
  for (const [key, truth] of Object.entries(truths)) {
    if (key === name || key.startsWith(`${name}/`)) kept[key] = truth;
  }
}
writeFileSync(join(target, "truth.json"), `${JSON.stringify(kept, undefined, 1)}\n`);
