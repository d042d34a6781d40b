import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { isEdgeError } from "../../core/errors.ts";
import { openAcquisition } from "../../formats/open.ts";
import { planesIn } from "../../formats/plane/plane-source.ts";
import { describedFile } from "../formats/described-file.ts";
import { answerMutants } from "./measured-mutants.ts";
import { mutatedBytes, randomBelow } from "./mutate-bytes.ts";

/** Reads mutated copies of the fixtures: each series whole, but for planes after the fourth. */

const fixtures = resolve(import.meta.dirname, "../fixtures/tiff/made");
const seeds = readdirSync(fixtures).filter((name) => name.endsWith(".tif"));

answerMutants(async ({ index, scratch }) => {
  const name = seeds[index % seeds.length] ?? "";
  const file = join(scratch, name);
  writeFileSync(file, mutatedBytes(readFileSync(join(fixtures, name)), randomBelow(index)));
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
