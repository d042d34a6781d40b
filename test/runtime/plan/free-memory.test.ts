import assert from "node:assert/strict";
import { resolve } from "node:path";
import { test } from "node:test";
import { readPackage } from "../../../export/package/read-package.ts";
import { openAcquisition } from "../../../formats/open.ts";
import { denoiseJobSchema } from "../../../runtime/job/denoise-job.ts";
import { jobMemoryNeed, refuseTooLittleFree } from "../../../runtime/plan/free-memory.ts";
import { planJob } from "../../../runtime/plan/plan-job.ts";

const root = resolve(import.meta.dirname, "../../..");

test("a job that needs more memory than is free is refused as one that may run later, with both figures", async () => {
  const input = resolve(root, "test/fixtures/tiled/smaller-than-tile/input.npy");
  const source = await openAcquisition(input);
  const { acquisition } = source;
  await source.close();
  const model = resolve(root, "models/default");
  const job = denoiseJobSchema.parse({ input, output: "x.denoised.ome.tif", models: { default: model } });
  const plan = await planJob(job, acquisition, readPackage);
  const need = jobMemoryNeed(plan, acquisition);
  assert.ok(need > 0);
  refuseTooLittleFree(plan, acquisition, need);
  assert.throws(() => refuseTooLittleFree(plan, acquisition, need - 1), {
    code: "memory-short",
    retryable: true,
    found: /GB free$/,
  });
});
