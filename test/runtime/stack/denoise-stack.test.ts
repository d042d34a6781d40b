import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { ModelPackage } from "../../../core/package-settings.ts";
import type { Network, TileShape } from "../../../runtime/job/network.ts";
import {
  fittedPlan,
  type Overlap,
  publishedPlan,
  type StackShape,
  type TilePlan,
} from "../../../runtime/plan/tile-plan.ts";
import { denoiseStack } from "../../../runtime/stack/denoise-stack.ts";

const noMap = { low: 0, range: 1, clip: false };
const model = {} as ModelPackage;

/** Depends on the place in the tile and on all of the tile, as the network does. */
function tileSensitive(input: Float32Array): Float32Array {
  const mean = input.reduce((sum, value) => sum + value, 0) / input.length;
  return input.map((value, i) => 0.5 * value + mean + 0.001 * (i % 97));
}

function networkOf(compute: (input: Float32Array) => Float32Array): Network {
  return {
    provider: "test",
    runtimeVersion: "0",
    async run(_model, _shape, buffers) {
      buffers.output.set(compute(buffers.input));
      await new Promise((resolve) => setImmediate(resolve));
      return 0;
    },
  };
}

function ramp(length: number): Float32Array {
  return Float32Array.from({ length }, (_, i) => Math.sin(i * 1.7) + (i % 5));
}

async function run(plan: TilePlan, volume: Float32Array, network: Network): Promise<Float32Array> {
  const [depths, heights, widths] = plan.axes;
  const planeVoxels = heights.length * widths.length;
  const result = new Float32Array(volume.length);
  const delivered: number[] = [];
  await denoiseStack(
    {
      plan,
      model,
      sampleType: "float32",
      map: noMap,
      async readPlane(depth, into) {
        await new Promise((resolve) => setImmediate(resolve));
        into.set(volume.subarray(depth * planeVoxels, (depth + 1) * planeVoxels));
      },
      async deliver(depth, values) {
        // Slower than the network: what is not yet taken must stay.
        for (let turn = 0; turn < 4; turn += 1) await new Promise((resolve) => setImmediate(resolve));
        delivered.push(depth);
        result.set(values, depth * planeVoxels);
      },
    },
    network,
    new AbortController().signal,
  );
  assert.deepEqual(
    delivered,
    Array.from({ length: depths.length }, (_, i) => i),
  );
  return result;
}

/**
 * The published tiled inference over whole arrays in float64, as its code reads: pad, cut, weigh, sum, divide, crop.
 */
function wholeArrayInference(
  volume: Float32Array,
  stack: StackShape,
  tile: TileShape,
  overlap: Overlap,
  compute: (input: Float32Array) => Float32Array,
): Float64Array {
  const [Z, Y, X] = stack;
  const step = tile.map((length, k) => length - (overlap[k] ?? 0));
  const padded = stack.map((n, k) => (overlap[k] ?? 0) + n + (step[k] ?? 1) - (n % (step[k] ?? 1)));
  const [PZ = 0, PY = 0, PX = 0] = padded;
  const mirror = (i: number, n: number): number => {
    let at = i;
    while (at < 0 || at >= n) at = at < 0 ? -1 - at : 2 * n - 1 - at;
    return at;
  };
  const source = new Float64Array(PZ * PY * PX);
  for (let z = 0; z < PZ; z += 1)
    for (let y = 0; y < PY; y += 1)
      for (let x = 0; x < PX; x += 1)
        source[(z * PY + y) * PX + x] =
          volume[
            (mirror(z - overlap[0], Z) * Y + mirror(y - overlap[1], Y)) * X + mirror(x - overlap[2], X)
          ] ?? 0;
  const window = (k: 0 | 1 | 2): number[] => {
    const weights = Array<number>(tile[k]).fill(1);
    for (let i = 0; i < overlap[k]; i += 1) {
      weights[i] = (weights[i] ?? 0) * ((i + 1) / overlap[k]);
      weights[tile[k] - 1 - i] = (weights[tile[k] - 1 - i] ?? 0) * ((i + 1) / overlap[k]);
    }
    return weights;
  };
  const windows = [window(0), window(1), window(2)];
  const sum = new Float64Array(source.length);
  const weight = new Float64Array(source.length);
  const [sz = 1, sy = 1, sx = 1] = step;
  for (let z0 = 0; z0 + tile[0] <= PZ; z0 += sz)
    for (let y0 = 0; y0 + tile[1] <= PY; y0 += sy)
      for (let x0 = 0; x0 + tile[2] <= PX; x0 += sx) {
        const cut = new Float32Array(tile[0] * tile[1] * tile[2]);
        const each = (visit: (inTile: number, inPadded: number, w: number) => void): void => {
          for (let z = 0; z < tile[0]; z += 1)
            for (let y = 0; y < tile[1]; y += 1)
              for (let x = 0; x < tile[2]; x += 1)
                visit(
                  (z * tile[1] + y) * tile[2] + x,
                  ((z0 + z) * PY + y0 + y) * PX + x0 + x,
                  (windows[0]?.[z] ?? 0) * (windows[1]?.[y] ?? 0) * (windows[2]?.[x] ?? 0),
                );
        };
        each((i, at) => {
          cut[i] = source[at] ?? 0;
        });
        const output = compute(cut);
        each((i, at, w) => {
          sum[at] = (sum[at] ?? 0) + w * (output[i] ?? 0);
          weight[at] = (weight[at] ?? 0) + w;
        });
      }
  const result = new Float64Array(Z * Y * X);
  for (let z = 0; z < Z; z += 1)
    for (let y = 0; y < Y; y += 1)
      for (let x = 0; x < X; x += 1) {
        const at = ((z + overlap[0]) * PY + y + overlap[1]) * PX + x + overlap[2];
        result[(z * Y + y) * X + x] = (sum[at] ?? 0) / (weight[at] ?? 0);
      }
  return result;
}

const small = fc
  .tuple(fc.integer({ min: 1, max: 9 }), fc.nat({ max: 8 }), fc.integer({ min: 1, max: 20 }))
  .map(([tile, overlap, length]) => ({ tile, overlap: Math.min(overlap, tile - 1), length }));
const cases = fc.tuple(small, small, small).map(([z, y, x]) => ({
  stack: [z.length, y.length, x.length] as StackShape,
  tile: [z.tile, y.tile, x.tile] as TileShape,
  overlap: [z.overlap, y.overlap, x.overlap] as Overlap,
}));

test("streams slab by slab what the published inference computes over whole arrays", async () => {
  await fc.assert(
    fc.asyncProperty(cases, async ({ stack, tile, overlap }) => {
      const volume = ramp(stack[0] * stack[1] * stack[2]);
      const streamed = await run(publishedPlan(stack, tile, overlap), volume, networkOf(tileSensitive));
      const whole = wholeArrayInference(volume, stack, tile, overlap, tileSensitive);
      for (const [i, value] of whole.entries()) {
        // Sums of a few float32 numbers below 20.
        assert.ok(Math.abs(value - (streamed[i] ?? 0)) < 1e-4, `voxel ${i}: ${streamed[i]} for ${value}`);
      }
    }),
    { numRuns: 60 },
  );
});

for (const [name, makePlan] of [
  ["published", publishedPlan],
  ["fitted", fittedPlan],
] as const) {
  test(`gives an unchanged stack back from a network that changes nothing (${name} plan)`, async () => {
    await fc.assert(
      fc.asyncProperty(cases, async ({ stack, tile, overlap }) => {
        const volume = ramp(stack[0] * stack[1] * stack[2]);
        const result = await run(
          makePlan(stack, tile, overlap),
          volume,
          networkOf((input) => input),
        );
        for (const [i, value] of volume.entries()) {
          // Shares of up to some tens of tiles, rounded to float32 each, of values below 6.
          assert.ok(Math.abs(value - (result[i] ?? 0)) < 1e-5);
        }
      }),
      { numRuns: 60 },
    );
  });
}

test("tiles of whole planes that share none are delivered exactly, also where the delivery is the slowest", async () => {
  const stack = [24, 5, 7] as const;
  const plan = fittedPlan(stack, [2, 5, 7], [0, 0, 0]);
  const volume = ramp(24 * 5 * 7);
  const result = await run(
    plan,
    volume,
    networkOf((input) => input),
  );
  assert.deepEqual(result, volume);
});

test("blends to the constant on a constant image", async () => {
  const plan = publishedPlan([10, 30, 41], [4, 16, 16], [2, 6, 6]);
  const result = await run(
    plan,
    new Float32Array(10 * 30 * 41).fill(7),
    networkOf((input) => input),
  );
  for (const value of result) assert.ok(Math.abs(value - 7) < 4e-6, `${value}`);
});

test("ends at once when interrupted, also while the network is at work", async () => {
  const interruption = new AbortController();
  const stuck: Network = { provider: "test", runtimeVersion: "0", run: () => new Promise(() => undefined) };
  const work = denoiseStack(
    {
      plan: fittedPlan([2, 4, 4], [2, 4, 4], [0, 0, 0]),
      model,
      sampleType: "float32",
      map: noMap,
      readPlane: async () => undefined,
      deliver: async () => undefined,
    },
    stuck,
    interruption.signal,
  );
  setImmediate(() => interruption.abort());
  await assert.rejects(work, { code: "interrupted" });
});

test("passes the network's error on and stops reading", async () => {
  let reads = 0;
  const failing: Network = {
    provider: "test",
    runtimeVersion: "0",
    run: () => Promise.reject(new RangeError("no memory")),
  };
  const work = denoiseStack(
    {
      plan: fittedPlan([100, 4, 4], [2, 4, 4], [0, 0, 0]),
      model,
      sampleType: "uint8",
      map: noMap,
      async readPlane() {
        reads += 1;
      },
      deliver: async () => undefined,
    },
    failing,
    new AbortController().signal,
  );
  await assert.rejects(work, { message: "no memory" });
  const readsAtEnd = reads;
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(reads, readsAtEnd);
  assert.ok(reads < 20, `${reads} planes read`);
});
