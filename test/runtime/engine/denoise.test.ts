import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, before, test } from "node:test";
import { type Acquisition, type Samples, type SampleType, sampleTypes } from "../../../core/acquisition.ts";
import { describeError, isEdgeError } from "../../../core/errors.ts";
import { encodeNpy, readNpyTensor } from "../../../formats/npy.ts";
import { openAcquisition } from "../../../formats/open.ts";
import { createOmeTiff } from "../../../formats/tiff/ome-tiff-sink.ts";
import { startEngine } from "../../../runtime/engine/host.ts";
import type { DenoiseJobInput } from "../../../runtime/job/denoise-job.ts";
import { runHere } from "../../commands/run-command.ts";

/** One real engine for all that happens here. */

const root = resolve(import.meta.dirname, "../../..");
const identity = join(root, "models/identity");
const shipped = join(root, "models/default");
const shared = join(root, "../shared/fixtures/tiled");
const skip = existsSync(shared) ? false : "../shared is not here";

const scratch = mkdtempSync(join(tmpdir(), "engine-"));
const engine = startEngine({ models: [identity], providers: ["cpu"] });
after(async () => {
  await engine.stop();
  rmSync(scratch, { recursive: true });
});

const sizes = { t: 2, c: 2, z: 9, y: 50, x: 37 };

/** Writes planes of counting numbers over the whole range of the type. */
async function writeStack(name: string, sampleType: SampleType): Promise<string> {
  const file = join(scratch, name);
  const acquisition: Acquisition = {
    file,
    members: [file],
    series: 0,
    seriesCount: 1,
    make: "OME-TIFF",
    axes: "TCZYX",
    shape: [sizes.t, sizes.c, sizes.z, sizes.y, sizes.x],
    sizes,
    sampleType,
    significantBits: 12,
    pixelSize: {},
    channels: [{ name: "a" }, { name: "b" }],
    compression: "none",
    byteOrder: "little",
    original: { kind: "none" },
    notes: [],
  };
  const sink = await createOmeTiff(file, { acquisition: { ...acquisition, members: [] }, sampleType });
  let next = 0;
  for (let t = 0; t < sizes.t; t += 1)
    for (let c = 0; c < sizes.c; c += 1)
      for (let z = 0; z < sizes.z; z += 1) {
        const samples = sampleTypes[sampleType].make(sizes.y * sizes.x);
        for (let i = 0; i < samples.length; i += 1) {
          samples[i] = (next % 65_536) + (sampleType === "int16" ? -32_768 : 0);
          next += 1;
        }
        await sink.write({ t, c, z, samples });
      }
  await sink.finish([]);
  return file;
}

async function planesOf(file: string): Promise<Samples[]> {
  const source = await openAcquisition(file);
  const { t, c, z } = source.acquisition.sizes;
  const read: Samples[] = [];
  for (let i = 0; i < t * c * z; i += 1) {
    read.push(await source.readPlane({ t: Math.floor(i / z / c), c: Math.floor(i / z) % c, z: i % z }));
  }
  await source.close();
  return read;
}

let outputs = 0;
function jobOf(input: string, more: Partial<DenoiseJobInput> = {}): DenoiseJobInput {
  outputs += 1;
  return {
    input,
    output: join(scratch, `result-${outputs}.ome.tif`),
    models: { default: identity },
    ...more,
  };
}

for (const [name, sampleType, more] of [
  ["tiles fitted to the stack", "uint16", {}],
  ["published tiles", "uint8", { tile: [4, 16, 16], overlap: [1, 5, 5], tiling: "published" }],
  ["time as depth", "int16", { depthAxis: "t", compression: "deflate" }],
] as const) {
  test(`gives every ${sampleType} plane back unchanged with the identity package (${name})`, async () => {
    const input = await writeStack(`${sampleType}.ome.tif`, sampleType);
    const outcome = await engine.denoise(jobOf(input, more as Partial<DenoiseJobInput>));
    assert.equal(outcome.clippedShare, 0);
    assert.deepEqual(await planesOf(outcome.output), await planesOf(input));
  });
}

test("does not replace a result unless told to, and leaves nothing beside it", async () => {
  const input = await writeStack("again.ome.tif", "uint16");
  const job = jobOf(input);
  await engine.denoise(job);
  const names = readdirSync(scratch);
  await assert.rejects(engine.denoise(job), { kind: "usage", code: "output-exists" });
  await engine.denoise({ ...job, overwrite: true });
  assert.deepEqual(readdirSync(scratch), names);
});

test("a later attempt of a job replaces the job's own result, and no other file, whenever that came", async () => {
  const input = await writeStack("attempts.ome.tif", "uint16");
  const first = jobOf(input, { jobId: "0123456789abcdef", overwrite: "own" });
  const attempt = (of: DenoiseJobInput) => engine.denoise(of);
  await attempt(first);
  const before = statSync(first.output).ino;
  await attempt(first);
  assert.notEqual(statSync(first.output).ino, before);

  const otherJob = { ...first, jobId: "fedcba9876543210" };
  await assert.rejects(attempt(otherJob), { code: "output-exists" });
  const foreign = jobOf(input, { jobId: "0123456789abcdef", overwrite: "own" });
  writeFileSync(foreign.output, "a person's file");
  await assert.rejects(attempt(foreign), { code: "output-exists" });
  rmSync(foreign.output);
  const late = engine.denoise(foreign, {
    onProgress: ({ stage }) => {
      if (stage === "denoising") writeFileSync(foreign.output, "a person's file");
    },
  });
  await assert.rejects(late, { code: "output-exists" });
  assert.equal(readFileSync(foreign.output, "utf8"), "a person's file");
});

test("refuses to write over its own source, overwrite or not", async () => {
  const input = await writeStack("source.ome.tif", "uint16");
  const before = readFileSync(input);
  await assert.rejects(engine.denoise({ ...jobOf(input), output: input, overwrite: true }), {
    code: "output-is-source",
  });
  assert.deepEqual(readFileSync(input), before);
});

test("counts what it clipped", async () => {
  const file = join(scratch, "wide.npy");
  writeFileSync(file, encodeNpy({ shape: [1, 20, 20], data: new Float32Array(400).fill(70_000, 0, 100) }));
  const { output, clippedShare } = await engine.denoise(jobOf(file, { sampleType: "uint16" }));
  assert.equal(clippedShare, 0.25);
  assert.equal((await planesOf(output))[0]?.[0], 65_535);
});

test("fails a file with NaN or infinities where that is wanted, and leaves nothing", async () => {
  const data = Float32Array.from({ length: 3 * 20 * 24 }, (_, i) => i % 50);
  data[2 * 20 * 24 + 7] = Number.NEGATIVE_INFINITY;
  const file = join(scratch, "refused.npy");
  writeFileSync(file, encodeNpy({ shape: [3, 20, 24], data }));
  await assert.rejects(
    engine.denoise({ ...jobOf(file), nonFinite: "refuse" }),
    (error) => isEdgeError(error, "input-non-finite") && /plane 2/.test(describeError(error)),
  );
  assert.ok(!readdirSync(scratch).some((name) => name.startsWith("refused.") && !name.endsWith(".npy")));
});

test("carries NaN and infinities to the result and keeps them from their neighbours", async () => {
  const data = new Float32Array(2 * 40 * 40).map((_, i) => i % 17);
  data.set([Number.NaN, Number.POSITIVE_INFINITY], 100);
  const file = join(scratch, "holes.npy");
  writeFileSync(file, encodeNpy({ shape: [2, 40, 40], data }));
  const job = jobOf(file, { models: { default: shipped }, normalization: "package" });
  const { output, notes } = await engine.denoise(job);
  assert.ok(notes.some((note) => note.startsWith("2 samples of the input are NaN or infinite")));
  const result = (await planesOf(output)).flatMap((plane) => [...plane]);
  assert.ok(Number.isNaN(result[100]));
  assert.equal(result[101], Number.POSITIVE_INFINITY);
  assert.equal(result.filter(Number.isFinite).length, data.length - 2);
});

test("denoises a constant stack to about the constant", async () => {
  const file = join(scratch, "constant.npy");
  writeFileSync(file, encodeNpy({ shape: [3, 40, 40], data: new Float32Array(4800).fill(500) }));
  const job = jobOf(file, { models: { default: shipped }, normalization: "package" });
  const { output, notes } = await engine.denoise(job);
  assert.ok(notes.some((note) => note.startsWith("both percentiles are equal")));
  for (const plane of await planesOf(output)) for (const value of plane) assert.ok(Math.abs(value - 500) < 1);
});

test("gives up a running job, removes its file, and takes the next one", async () => {
  const file = join(scratch, "long.npy");
  writeFileSync(file, encodeNpy({ shape: [24, 256, 256], data: new Float32Array(24 * 256 * 256) }));
  const names = readdirSync(scratch);
  const interruption = new AbortController();
  const running = engine.denoise(jobOf(file, { models: { default: shipped } }), {
    signal: interruption.signal,
    onProgress: ({ stage }) => {
      if (stage === "denoising") interruption.abort();
    },
  });
  await assert.rejects(running, { code: "interrupted" });
  assert.deepEqual(readdirSync(scratch), names);
});

for (const name of ["exact-multiple", "plain"]) {
  test(`reproduces the published tiled inference (${name})`, { skip }, async () => {
    const { tile, overlap } = JSON.parse(readFileSync(join(shared, name, "tiling.json"), "utf8")) as {
      tile: [number, number, number];
      overlap: [number, number, number];
    };
    const job = jobOf(join(shared, name, "input.npy"), {
      models: { default: published },
      tile,
      overlap,
      tiling: "published",
    });
    const { output } = await engine.denoise(job);
    const expected = await readNpyTensor(join(shared, name, "output.npy"));
    const found = (await planesOf(output)).flatMap((plane) => [...plane]);
    assert.equal(found.length, expected.data.length);
    for (const [i, value] of expected.data.entries()) {
      // What torch and ONNX Runtime differ by in float32 is 2e-5.
      assert.ok(Math.abs(value - (found[i] ?? Number.NaN)) < 1e-4, `voxel ${i}: ${found[i]} for ${value}`);
    }
  });
}

const published = join(scratch, "published");
before(async () => {
  if (skip !== false) return;
  const checkpoint = join(root, "test/fixtures/tiled/instance");
  const files = [join(checkpoint, "weights.pt"), "--config", join(checkpoint, "config.json")];
  const { code, stderr } = await runHere(["export", ...files, "--no-cover", "--out", published]);
  assert.equal(code, 0, stderr);
});

test("a result does not claim the significant bits of the camera", async () => {
  const input = await writeStack("twelve-bit.ome.tif", "uint16");
  const bitsOf = async (file: string): Promise<number | undefined> => {
    const source = await openAcquisition(file);
    await source.close();
    return source.acquisition.significantBits;
  };
  assert.equal(await bitsOf(input), 12);
  const outputs = { denoised: identity, passed: "pass" };
  for (const [name, model] of Object.entries(outputs)) {
    const output = join(scratch, `${name}.ome.tif`);
    await engine.denoise({ input, output, models: { default: model } });
    assert.equal(await bitsOf(output), name === "passed" ? 12 : undefined);
  }
});
