import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { encodeNpy } from "../../../formats/npy.ts";
import { sampleWritten } from "../../../runtime/intensity/written-sample.ts";

const scratch = mkdtempSync(join(tmpdir(), "written-"));
after(() => rmSync(scratch, { recursive: true }));

const sizes = { t: 1, c: 1, z: 3, y: 2, x: 2 };
const data = Float32Array.from({ length: 12 }, (_, i) => i);
const file = join(scratch, "stack.npy");
writeFileSync(file, encodeNpy({ shape: [3, 2, 2], data }));

function samplesOf(changed: Partial<Record<number, Float32Array>> = {}) {
  const sample = sampleWritten(sizes, 3, "result");
  for (let z = 0; z < 3; z += 1) {
    sample.saw({ t: 0, c: 0, z, samples: changed[z] ?? data.subarray(4 * z, 4 * z + 4) });
  }
  return sample;
}

test("finds a file to be what was written", async () => {
  await samplesOf().check(file);
});

test("finds one other sample", async () => {
  await assert.rejects(samplesOf({ 2: Float32Array.of(8, 9, 10, 12) }).check(file), {
    kind: "verification",
    code: "written-differs",
    found: "other samples at t 0, c 0, z 2",
  });
});

test("finds another size", async () => {
  const sample = sampleWritten({ ...sizes, z: 4 }, 4, "result");
  await assert.rejects(sample.check(file), { code: "written-differs", found: "z 3 for 4" });
});
