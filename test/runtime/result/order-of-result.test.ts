import assert from "node:assert/strict";
import { test } from "node:test";
import { plainAcquisition } from "../../../core/acquisition.ts";
import type { Operator } from "../../../core/operators.ts";
import type { ModelPackage, PackageSettings, ZooModel } from "../../../core/package-settings.ts";
import type { Provenance } from "../../../formats/plane/plane-sink.ts";
import { denoiseJobSchema } from "../../../runtime/job/denoise-job.ts";
import { type JobPlan, planJob } from "../../../runtime/plan/plan-job.ts";
import { orderOfResult } from "../../../runtime/result/order-of-result.ts";
import { provenanceOf } from "../../../runtime/result/provenance.ts";

const acquisition = plainAcquisition({
  file: "a.ome.tif",
  make: "OME-TIFF",
  sizes: { t: 1, c: 1, z: 20, y: 100, x: 300 },
  sampleType: "uint16",
});

function packageOf(settings: Partial<PackageSettings>, zoo?: ZooModel): ModelPackage {
  return {
    dir: "model",
    name: "model",
    version: "1",
    modelFile: "model/model.onnx",
    modelSha256: "ab12",
    inputName: "input",
    outputName: "output",
    testInputFile: "in.npy",
    testOutputFile: "out.npy",
    settings: {
      schema: 1,
      normalization: { kind: "percentile", low: 1.5, high: 99.5, clip: true },
      intensity: { meaning: "preserved" },
      spatial_multiple: 4,
      tile: [8, 64, 64],
      overlap: [2, 16, 16],
      test_tolerance: 1e-4,
      ...settings,
    },
    ...(zoo === undefined ? {} : { zoo }),
  };
}

function zooModel(before: readonly Operator[], after: readonly Operator[]): ZooModel {
  const any = { min: 4, step: 4 };
  return {
    task: { verdict: "denoises", words: [] },
    inputAxes: "bczyx",
    outputAxes: "bczyx",
    sizes: [any, any, any],
    halo: [0, 2, 2],
    before,
    after,
    tolerance: { absolute: 0, relative: 0, mismatchedPerMillion: 0 },
    notes: [],
  };
}

const clip: Operator = { name: "clip", min: 0, max: 1 };
const packages: Readonly<Record<string, ModelPackage>> = {
  "a package of ours": packageOf({}),
  "a package that normalizes nothing": packageOf({ normalization: { kind: "none" } }),
  "a package that normalizes nothing and maps its output": packageOf({
    normalization: { kind: "none" },
    intensity: { meaning: "affine", gain: 2, offset: 5 },
  }),
  "a model of the zoo": packageOf({}, zooModel([clip], [clip])),
  "a model of the zoo without operators before": packageOf({}, zooModel([], [clip])),
};

async function plan(model: ModelPackage, job: object): Promise<JobPlan> {
  const order = { input: "a.ome.tif", output: "b.output.ome.tif", models: { default: "model" }, ...job };
  return planJob(denoiseJobSchema.parse(order), acquisition, async () => model);
}

/** What a result of this plan states. */
function stated(made: JobPlan, provider = "cpu"): Provenance {
  return provenanceOf({
    productVersion: "1",
    runtimeVersion: "1",
    nodeVersion: "20",
    provider,
    threads: 1,
    jobId: undefined,
    acquisition,
    sourceFileCount: 1,
    sourceSha256: "cd34",
    plan: made,
    stackMaps: [],
    clippedShare: 0,
    notes: [],
    started: new Date(0),
    finished: new Date(1),
  });
}

for (const [kind, model] of Object.entries(packages)) {
  for (const normalization of ["package", "none"] as const) {
    test(`what a result of ${kind} states makes the same plan again, with --normalization ${normalization}`, async () => {
      const made = await plan(model, { normalization });
      const { tiles, depthAxis, normalization: again } = orderOfResult("b", stated(made), 1);
      const { channels } = await plan(model, { ...tiles, depthAxis, normalization: again });
      assert.deepEqual(channels, made.channels);
    });
  }
}

test("a result of a provider that this version does not know is refused", async () => {
  const made = await plan(packageOf({}), {});
  assert.throws(() => orderOfResult("b", stated(made, "abacus"), 1), {
    code: "not-a-result",
    found: "its provider is abacus",
  });
});
