import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { mutantLimits, readMutants } from "./measured-mutants.ts";

test("mutated TIFFs and LIFs are read or refused by name, none in more than 1 GiB (npm run fuzz:images reads 500)", async () => {
  const scratch = mkdtempSync(join(tmpdir(), "mutated-images-"));
  // A busy machine is no defect of ours: time is judged by the full form, which is run alone.
  const limits = { ...mutantLimits, ms: 30_000 };
  const program = new URL("./read-mutated-image.ts", import.meta.url);
  const { read, refused, defects } = await readMutants(program, 200, scratch, limits);
  rmSync(scratch, { recursive: true });
  assert.deepEqual(defects, []);
  assert.ok(read > 0 && refused > 0, `${read} read, ${refused} refused`);
});
