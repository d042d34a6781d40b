import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { judge, type Truth } from "../peers/tiff-truth.ts";

const fixtures = join(import.meta.dirname, "../fixtures/tiff");
const shared = join(import.meta.dirname, "../../../shared/data");

function truthsIn(file: string): [string, Truth][] {
  return Object.entries(JSON.parse(readFileSync(file, "utf8")) as Record<string, Truth>);
}

for (const [name, truth] of truthsIn(join(fixtures, "truth.json"))) {
  const must = "refuse" in truth ? `refuses ${name}: ${truth.refuse}` : `reads ${name} as tifffile does`;
  test(must, async () => {
    const { verdict, detail } = await judge(join(fixtures, name), truth);
    const allowed = "refuse" in truth ? ["refused"] : "either" in truth ? ["ok", "refused"] : ["ok"];
    assert.ok(allowed.includes(verdict), `${verdict}: ${detail}`);
  });
}

const missing = existsSync(join(shared, "tiff-truth.json")) ? false : "the full set of TIFFs is not here";

test("reads or refuses every TIFF of the full set as it must", { skip: missing }, async () => {
  const truths = truthsIn(join(shared, "tiff-truth.json"));
  const wrong: string[] = [];
  let read = 0;
  for (const [name, truth] of truths) {
    const { verdict, detail } = await judge(join(shared, name), truth);
    if (verdict === "WRONG") wrong.push(`${name}: ${detail}`);
    if (verdict === "ok") read += 1;
  }
  assert.deepEqual(wrong, []);
  // Refusing everything would be no success.
  assert.ok(read >= 170, `${read} of ${truths.length} read`);
});
