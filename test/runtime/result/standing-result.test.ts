import assert from "node:assert/strict";
import { truncate } from "node:fs/promises";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { plainAcquisition } from "../../../core/acquisition.ts";
import type { ModelPackage } from "../../../core/package-settings.ts";
import { readPackage } from "../../../export/package/read-package.ts";
import type { Provenance } from "../../../formats/plane/plane-sink.ts";
import { createOmeTiff } from "../../../formats/tiff/ome-tiff-sink.ts";
import { type DenoiseJobInput, denoiseJobSchema } from "../../../runtime/job/denoise-job.ts";
import { planJob } from "../../../runtime/plan/plan-job.ts";
import { provenanceOf } from "../../../runtime/result/provenance.ts";
import { judgeStanding } from "../../../runtime/result/standing-result.ts";
import { temporaryFolder } from "../../watcher/temporary-folder.ts";

const identity = await readPackage(resolve(import.meta.dirname, "../../../models/identity"));
const sizes = { t: 1, c: 2, z: 4, y: 16, x: 16 };
const source = plainAcquisition({ file: "/in/a.ome.tif", make: "OME-TIFF", sizes, sampleType: "uint16" });

interface Case {
  readonly job?: Partial<DenoiseJobInput>;
  readonly model?: ModelPackage;
  readonly file?: string;
  readonly sha256?: string;
}

async function planned({ job = {}, model = identity }: Case) {
  const order = denoiseJobSchema.parse({ input: source.file, output: "", models: { default: "m" }, ...job });
  return { job: order, plan: await planJob(order, source, async () => model) };
}

/** A result as the engine would write it for `made`. */
async function writeResult(made: Case, change: (stated: Provenance) => Provenance = (stated) => stated) {
  const file = join(await temporaryFolder(), "a.denoised.ome.tif");
  const { job, plan } = await planned(made);
  const spec = { acquisition: { ...source, members: [] }, sampleType: plan.sampleType } as const;
  const sink = await createOmeTiff(file, spec);
  const samples = (plan.sampleType === "float32" ? new Float32Array(256) : new Uint16Array(256)).fill(7);
  for (let c = 0; c < sizes.c; c += 1)
    for (let z = 0; z < sizes.z; z += 1) await sink.write({ t: 0, c, z, samples });
  const stated = provenanceOf({
    productVersion: "1",
    runtimeVersion: "1",
    nodeVersion: "20",
    provider: "cuda",
    threads: undefined,
    jobId: job.jobId,
    acquisition: { ...source, file: made.file ?? source.file, series: job.series },
    sourceFileCount: 1,
    sourceSha256: made.sha256 ?? "cd34",
    plan,
    stackMaps: [],
    clippedShare: 0.25,
    notes: ["one", "two"],
    started: new Date("2026-11-20T10:00:00Z"),
    finished: new Date("2026-11-20T10:00:02Z"),
  });
  await sink.finish(change(stated));
  return file;
}

async function judged(file: string, expected: Case, isReserved = false) {
  const { job, plan } = await planned(expected);
  return judgeStanding(file, {
    job,
    source,
    plan,
    isReserved,
    hash: async () => ({ sha256: "cd34", files: [{ file: source.file, sha256: "cd34" }] }),
  });
}

test("what a result states of its job is known from it, and nothing else", async () => {
  const file = await writeResult({ job: { tile: [4, 16, 8], overlap: [1, 4, 4] } });
  const { outputBytes, ...outcome } = await judged(file, {}).then((standing) => {
    assert.ok(standing.kind === "result");
    return standing.outcome;
  });
  assert.ok(outputBytes > 0);
  assert.deepEqual(outcome, {
    output: file,
    sourceSha256: "cd34",
    sourceFiles: [{ file: source.file, sha256: "cd34" }],
    provider: "cuda",
    tile: [4, 16, 8],
    overlap: [0, 0, 4],
    voxels: 2 * 4 * 16 * 16,
    elapsedS: 2,
    clippedShare: 0.25,
    notes: ["one", "two"],
    knownFromResult: "2026-11-20T10:00:02.000Z",
  });
});

const otherModel = { ...identity, modelSha256: "ff00", name: "Other", version: "2" };
const otherRange: ModelPackage = {
  ...identity,
  settings: { ...identity.settings, normalization: { kind: "percentile", low: 3, high: 90, clip: true } },
};
const madeOtherwise: readonly (readonly [what: string, made: Case, how: RegExp])[] = [
  ["another model", { model: otherModel }, /^with another model \(Other 2\)$/],
  [
    "another normalization",
    { model: otherRange },
    /^with another setting \("Channel 0: Normalization" is percentile/,
  ],
  ["another sample type", { job: { sampleType: "float32" } }, /^with another sample type \(float32\)$/],
  ["another depth axis", { job: { depthAxis: "t" } }, /^with another setting \("Depth axis" is T\)$/],
  [
    "a channel passed on",
    { job: { models: { default: "m", byChannel: { 1: "pass" } } } },
    /^with another model \(none/,
  ],
];
for (const [what, made, how] of madeOtherwise) {
  test(`a result with ${what} is not that of the job, unless the job made it before the settings changed`, async () => {
    const own = { jobId: "0123456789abcdef" };
    const file = await writeResult({ ...made, job: { ...made.job, ...own } });
    const standing = await judged(file, { job: own });
    assert.equal(standing.kind, "made-otherwise");
    assert.match(standing.kind === "made-otherwise" ? standing.how : "", how);
    assert.equal((await judged(file, { job: own }, true)).kind, "result");
    assert.equal((await judged(file, { job: { jobId: "fedcba9876543210" } }, true)).kind, "made-otherwise");
    assert.equal((await judged(file, { ...made, job: { ...made.job, ...own } })).kind, "result");
  });
}

test("tiles count only where the job asks for them", async () => {
  const file = await writeResult({ job: { tile: [4, 16, 8], overlap: [1, 4, 4] } });
  assert.equal((await judged(file, { job: { tile: [4, 16, 8], overlap: [1, 4, 4] } })).kind, "result");
  const standing = await judged(file, { job: { tile: [4, 16, 16] } });
  assert.deepEqual(standing, { kind: "made-otherwise", how: "with other tiles (4,16,8, overlap 0,0,4)" });
});

test("a result of other content, of another source and of another image are told apart", async () => {
  assert.equal((await judged(await writeResult({ sha256: "ee55" }), {})).kind, "other-content");
  assert.equal((await judged(await writeResult({ file: "/in/b.ome.tif" }), {})).kind, "other-source");
  assert.equal((await judged(await writeResult({ job: { series: 1 } }), {})).kind, "other-source");
});

test("a file that is cut, states nothing, or states nonsense is nobody's result", async () => {
  const cut = await writeResult({});
  await truncate(cut, 2000);
  assert.equal((await judged(cut, {})).kind, "foreign");
  assert.equal((await judged(join(cut, "../missing.ome.tif"), {})).kind, "foreign");
  const without = (gone: string) => (stated: Provenance) => stated.filter(([key]) => key !== gone);
  for (const key of ["Provider", "Clipped share", "Finished", "Elapsed s"]) {
    assert.equal((await judged(await writeResult({}, without(key)), {})).kind, "foreign", key);
  }
  const changed = (stated: Provenance): Provenance =>
    stated.map(([key, value]) => [key, key === "Elapsed s" ? "soon" : value]);
  assert.equal((await judged(await writeResult({}, changed), {})).kind, "foreign");
});
