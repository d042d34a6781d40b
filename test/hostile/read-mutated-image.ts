import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { isEdgeError } from "../../core/errors.ts";
import { openAcquisition } from "../../formats/open.ts";
import { planesIn } from "../../formats/plane/plane-source.ts";
import { describedFile } from "../formats/described-file.ts";
import { answerMutants } from "./measured-mutants.ts";
import { mutatedBytes, otherDigits, randomBelow } from "./mutate-bytes.ts";

/** Reads mutated copies of the fixtures: each series whole, but for planes after the fourth. */

const fixtures = resolve(import.meta.dirname, "../fixtures");
const seedsIn = (folder: string, ending: string): readonly string[] =>
  readdirSync(join(fixtures, folder))
    .filter((name) => name.endsWith(ending))
    .map((name) => join(folder, name));
const seeds = [...seedsIn("tiff/made", ".tif"), ...seedsIn("lif", ".lif")];

answerMutants(async ({ index, scratch }) => {
  const name = seeds[index % seeds.length] ?? "";
  const file = join(scratch, basename(name));
  const [bytes, next] = [readFileSync(join(fixtures, name)), randomBelow(index)];
  const isLif = name.endsWith(".lif");
  writeFileSync(file, isLif && next(2) === 0 ? otherDigits(bytes, next) : mutatedBytes(bytes, next));
  try {
    const all = await describedFile(file);
    for (const series of all.keys()) await readSeries(file, series);
    return "read";
  } catch (error) {
    if (!isEdgeError(error)) throw error;
    return "refused";
  }
});

async function readSeries(file: string, series: number): Promise<void> {
  const source = await openAcquisition(file, { series });
  try {
    const { sizes } = source.acquisition;
    let planes = 0;
    for (const index of planesIn(sizes)) {
      assert.equal((await source.readPlane(index)).length, sizes.y * sizes.x);
      planes += 1;
      if (planes === 4) break;
    }
  } finally {
    await source.close();
  }
}
