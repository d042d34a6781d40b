import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { describeError, isEdgeError } from "../../../core/errors.ts";
import { readTrainingConfig } from "../../../export/cnnt/training-config.ts";

const scratch = mkdtempSync(join(tmpdir(), "training-config-"));
after(() => rmSync(scratch, { recursive: true }));

const file = join(scratch, "weights.json");

/** The one line that a person reads when the configuration is refused. */
async function refusalOf(text: string | Buffer): Promise<string> {
  writeFileSync(file, text);
  const error: unknown = await readTrainingConfig(file).catch((cause: unknown) => cause);
  assert.ok(isEdgeError(error), `not refused, or not with a typed error: ${String(error)}`);
  return describeError(error);
}

for (const range of [
  [4096, 0],
  [5, 5],
  [-1e308, 1e308],
  [0, 5e-324],
]) {
  test(`an im_value_scale of ${range.join(", ")} is refused, because nothing can be scaled by it`, async () => {
    const line = await refusalOf(JSON.stringify({ per_scaling: false, im_value_scale: range }));
    assert.match(line, /im_value_scale.*the first number must be below the second/);
  });
}
