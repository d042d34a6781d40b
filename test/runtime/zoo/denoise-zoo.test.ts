import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, test } from "node:test";
import { isEdgeError } from "../../../core/errors.ts";
import type { Tensor } from "../../../core/tensor.ts";
import { encodeNpy, readNpyTensor } from "../../../formats/npy.ts";
import { openAcquisition } from "../../../formats/open.ts";
import { startEngine } from "../../../runtime/engine/host.ts";

const zoo = resolve(import.meta.dirname, "../../fixtures/zoo");
const scratch = mkdtempSync(join(tmpdir(), "zoo-"));
const engine = startEngine({ models: [join(zoo, "planes-05")], providers: ["cpu"] });
after(async () => {
  await engine.stop();
  rmSync(scratch, { recursive: true });
});

/** A model's test tensor as a stack: `[Z, Y, X]`. */
async function stackOf(
  file: string,
  [depth, height, width]: readonly [number, number, number],
): Promise<Tensor> {
  const { data } = await readNpyTensor(file);
  assert.equal(data.length, depth * height * width);
  return { shape: [depth, height, width], data };
}

interface Run {
  readonly tile?: [number, number, number];
  readonly overlap?: [number, number, number];
}

async function denoise(name: string, model: string, stack: Tensor, options: Run = {}) {
  const input = join(scratch, `${name}.npy`);
  writeFileSync(input, encodeNpy(stack));
  const output = join(scratch, `${name}.ome.tif`);
  const outcome = await engine.denoise({
    input,
    output,
    overwrite: true,
    models: { default: resolve(zoo, model) },
    normalization: "package",
    ...options,
  });
  const source = await openAcquisition(output);
  const { sizes, sampleType } = source.acquisition;
  const data = new Float32Array(sizes.z * sizes.y * sizes.x);
  const plane = new Float32Array(sizes.y * sizes.x);
  for (let z = 0; z < sizes.z; z += 1) {
    await source.readPlane({ t: 0, c: 0, z }, { into: plane });
    data.set(plane, z * plane.length);
  }
  await source.close();
  return { outcome, sampleType, data };
}

function largestDifference(a: Float32Array, b: Float32Array): number {
  assert.equal(a.length, b.length);
  return a.reduce((largest, value, i) => Math.max(largest, Math.abs(value - (b[i] ?? Number.NaN))), 0);
}

const size = [6, 16, 20] as const;

for (const model of ["stacks-05", "channels-last-04"]) {
  test(`${model}: a stack through the engine is the model's own test output`, async () => {
    const stack = await stackOf(join(zoo, model, "test_input.npy"), size);
    const expected = await stackOf(join(zoo, model, "test_output.npy"), size);
    const { data, sampleType } = await denoise(model, model, stack);
    assert.equal(sampleType, "float32");
    assert.ok(largestDifference(data, expected.data) < 1e-4);
  });

  test(`${model}: tiles without their halos give what the whole stack gives`, async () => {
    const stack = await stackOf(join(zoo, model, "test_input.npy"), size);
    const expected = await stackOf(join(zoo, model, "test_output.npy"), size);
    const { data, outcome } = await denoise(`${model}-tiled`, model, stack, {
      tile: [4, 8, 12],
      overlap: [3, 4, 4],
    });
    assert.deepEqual(outcome.tile, [4, 8, 12]);
    assert.ok(largestDifference(data, expected.data) < 1e-4);
  });
}

const published = resolve(import.meta.dirname, "../../../../shared/data/models/unet2d_nuclei_broad");
const skip = existsSync(published) ? false : "../shared is not here";

test("a published model of the zoo, as a stack through the engine, makes its own test output", {
  skip,
}, async () => {
  const stack = await stackOf(join(published, "test_input.npy"), [1, 512, 512]);
  const expected = await stackOf(join(published, "test_output.npy"), [1, 512, 512]);
  const { data } = await denoise("published", published, stack);
  assert.ok(largestDifference(data, expected.data) < 1e-5);
});

test("a network of single planes takes each plane of a stack by itself, and the result is in the input's units", async () => {
  const plane = await readNpyTensor(join(zoo, "planes-05/test_input.npy"));
  const voxels = plane.data.length;
  const stack = new Float32Array(2 * voxels);
  stack.set(plane.data);
  // The same plane, ten times brighter: standardized it is the same, and so is what the network makes of it.
  stack.set(
    plane.data.map((value) => 10 * value),
    voxels,
  );
  const { data, outcome } = await denoise("planes", "planes-05", { shape: [2, 24, 32], data: stack });
  const [first, second] = [data.subarray(0, voxels), data.subarray(voxels)];
  assert.ok(
    largestDifference(
      second,
      first.map((value) => 10 * value),
    ) < 1e-3,
  );
  const mean = (values: Float32Array): number => values.reduce((a, b) => a + b) / values.length;
  assert.ok(Math.abs(mean(first) / mean(plane.data) - 1) < 0.2);
  assert.ok(outcome.notes.some((note) => note.includes("uncalibrated")));
});

for (const [model, plane] of [
  ["planes-last-05", [1, 24, 32]],
  ["planes-last-04", [1, 16, 20]],
] as const) {
  test(`${model}: a plane through the engine is the model's own test output`, async () => {
    const stack = await stackOf(join(zoo, model, "test_input.npy"), plane);
    const expected = await stackOf(join(zoo, model, "test_output.npy"), plane);
    const { data } = await denoise(model, model, stack);
    assert.ok(largestDifference(data, expected.data) < 1e-4);
  });
}

test("a network of one size takes a larger image in tiles of that size, a smaller one padded", async () => {
  const image = Float32Array.from({ length: 50 * 70 }, (_, i) => 40 + (i % 70));
  const { outcome, data } = await denoise("fixed", "fixed-size-04", { shape: [1, 50, 70], data: image });
  assert.deepEqual(outcome.tile, [1, 32, 32]);
  assert.equal(data.length, image.length);
  assert.ok(data.every((value) => value > 0 && value <= 1));
  const small = await denoise("small", "fixed-size-04", { shape: [1, 20, 9], data: image.subarray(0, 180) });
  assert.equal(small.data.length, 180);
});

test("nothing is called denoised that a model made which says that it does something else", async () => {
  const input = join(scratch, "named.npy");
  writeFileSync(input, encodeNpy({ shape: [1, 32, 32], data: new Float32Array(1024) }));
  const models = { default: join(zoo, "fixed-size-04") };
  const job = { input, models, normalization: "package" } as const;
  await assert.rejects(engine.denoise({ ...job, output: join(scratch, "named.denoised.ome.tif") }), (error) =>
    isEdgeError(error, "zoo-result-name"),
  );
  const { notes } = await engine.denoise({ ...job, output: join(scratch, "named.output.ome.tif") });
  assert.match(notes[0] ?? "", /"fixed size" does something other than denoise/);
});

test("nothing but results is left in the folder", () => {
  const left = readdirSync(scratch).filter((name) => !/\.(npy|ome\.tif)$/.test(name));
  assert.deepEqual(left, []);
});
