import assert from "node:assert/strict";
import { test } from "node:test";
import { crossCorrelation } from "../../../calibration/metrics/phase-correlation.ts";
import { fieldOf, simulate } from "../../../calibration/simulation/simulated-source.ts";
import type { Simulation } from "../../../calibration/simulation/simulation.ts";
import type { Samples } from "../../../core/acquisition.ts";

const simulation: Simulation = {
  sizes: { t: 2, c: 2, z: 5, y: 48, x: 64 },
  photons: 50,
  camera: { gain: 2, offset: 100, readNoise: 1.5 },
  sampleType: "uint16",
  seed: 7,
};

function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let index = 0; index < values.length; index += 1) sum += values[index] ?? 0;
  return sum / values.length;
}

test("a plane depends on seed, time, channel and depth, and not on the order of reading", async () => {
  const one = simulate(simulation).noisy;
  const other = simulate(simulation).noisy;
  const indices = [
    { t: 1, c: 1, z: 4 },
    { t: 0, c: 0, z: 0 },
    { t: 1, c: 0, z: 0 },
    { t: 0, c: 1, z: 0 },
    { t: 0, c: 0, z: 1 },
  ];
  const forwards = [];
  for (const index of indices) forwards.push(await one.readPlane(index));
  const backwards = [];
  for (const index of indices.toReversed()) backwards.unshift(await other.readPlane(index));
  assert.deepEqual(forwards, backwards);
  assert.equal(new Set(forwards.map((plane) => plane.join())).size, indices.length);
  const reseeded = await simulate({ ...simulation, seed: 8 }).noisy.readPlane({ t: 0, c: 0, z: 0 });
  assert.notDeepEqual(reseeded, forwards[1]);
});

test("the 99.9th percentile of the truth is the stated number of photons", async () => {
  const { clean } = simulate(simulation);
  const values: number[] = [];
  for (let z = 0; z < 5; z += 1) values.push(...(await clean.readPlane({ t: 0, c: 1, z })));
  values.sort((a, b) => a - b);
  const brightEnd = values[Math.floor(0.999 * (values.length - 1))] ?? 0;
  assert.ok(Math.abs(brightEnd - (100 + 2 * 50)) < 1e-3, `${brightEnd}`);
});

test("noise is that of photons and camera: variance is gain² (photons + read noise²)", async () => {
  const { noisy, clean } = simulate({ ...simulation, sampleType: "float32" });
  let squares = 0;
  let expected = 0;
  let count = 0;
  for (let z = 0; z < 5; z += 1) {
    const seen = await noisy.readPlane({ t: 0, c: 0, z });
    const truth = await clean.readPlane({ t: 0, c: 0, z });
    for (let index = 0; index < seen.length; index += 1) {
      const value = truth[index] ?? 0;
      squares += ((seen[index] ?? 0) - value) ** 2;
      expected += 2 * (value - 100) + (2 * 1.5) ** 2;
      count += 1;
    }
  }
  // The relative standard error of a variance from n values is about sqrt(3/n) here; five of them.
  assert.ok(Math.abs(squares / expected - 1) < 5 * Math.sqrt(3 / count), `${squares / expected}`);
});

test("structures move from one time point to the next, and neighbouring planes resemble each other", async () => {
  const { clean } = simulate({ ...simulation, sizes: { t: 30, c: 1, z: 6, y: 64, x: 64 } });
  const plane = (t: number, z: number): Promise<Samples> => clean.readPlane({ t, c: 0, z });
  const likeness = (a: Samples, b: Samples): number => {
    const [ma, mb] = [mean(a), mean(b)];
    let [ab, aa, bb] = [0, 0, 0];
    a.forEach((value, index) => {
      const [da, db] = [value - ma, (b[index] ?? 0) - mb];
      ab += da * db;
      aa += da * da;
      bb += db * db;
    });
    return ab / Math.sqrt(aa * bb);
  };
  const start = await plane(0, 3);
  assert.ok(likeness(start, await plane(1, 3)) > 0.95);
  assert.ok(likeness(start, await plane(0, 4)) > 0.8);
  assert.ok(likeness(start, await plane(10, 3)) < 0.9);
});

test("a deep stack goes on beyond the first slab of structures without a step", async () => {
  const { clean } = simulate({ ...simulation, sizes: { t: 1, c: 1, z: 64, y: 96, x: 96 } });
  const steps: number[] = [];
  for (let z = 0; z < 48; z += 1) {
    const [here, next] = [
      await clean.readPlane({ t: 0, c: 0, z }),
      await clean.readPlane({ t: 0, c: 0, z: z + 1 }),
    ];
    const squares = Float64Array.from(here, (value, index) => (value - (next[index] ?? 0)) ** 2);
    steps.push(Math.sqrt(mean(squares)));
  }
  const atBorders = [15, 31, 47].map((z) => steps[z] ?? 0);
  assert.ok(Math.max(...atBorders) < 2 * mean(steps), steps.join(" "));
});

test("integers are clipped to their range", async () => {
  const bright = {
    ...simulation,
    sampleType: "uint8",
    camera: { gain: 20, offset: 0, readNoise: 30 },
  } as const;
  const plane = await simulate(bright).noisy.readPlane({ t: 0, c: 0, z: 0 });
  assert.ok(plane instanceof Uint8Array);
  assert.ok(plane.includes(0) && plane.includes(255));
});

test("the ramp has no noise, no two equal neighbouring planes, and fits 8 bits", async () => {
  const { noisy, clean } = simulate({ ...simulation, scene: "ramp", sampleType: "uint8" });
  const first = await noisy.readPlane({ t: 0, c: 0, z: 0 });
  assert.deepEqual([...first], [...(await clean.readPlane({ t: 0, c: 0, z: 0 }))]);
  assert.notDeepEqual(first, await noisy.readPlane({ t: 0, c: 0, z: 1 }));
  assert.equal(new Set(first).size, 64 + 3 * 47);
});

test("repeats are new pictures of the same field, dimmer by the bleached light", async () => {
  const index = { t: 0, c: 0, z: 2 };
  const first = simulate(simulation);
  const second = simulate({ ...simulation, repeat: { index: 1, light: 0.9, driftY: 0, driftX: 0 } });
  const [truth, dimmed] = [await first.clean.readPlane(index), await second.clean.readPlane(index)];
  truth.forEach((value, at) => {
    assert.ok(Math.abs((dimmed[at] ?? 0) - (100 + 0.9 * (value - 100))) < 1e-3);
  });
  const pictures = [await first.noisy.readPlane(index), await second.noisy.readPlane(index)];
  assert.notEqual(pictures[0]?.join(), pictures[1]?.join());
});

test("a repeat is the same picture on a field that others were drawn of, also where it has drifted", async () => {
  const field = fieldOf(simulation);
  for (const driftY of [0, 1, 0.5]) {
    const moved = { ...simulation, repeat: { index: 1, light: 0.9, driftY, driftX: 0 } };
    for (const index of [1, 0, 1].map((z) => ({ t: 1, c: 1, z }))) {
      const shared = await simulate(moved, field).noisy.readPlane(index);
      assert.deepEqual(shared, await simulate(moved).noisy.readPlane(index));
    }
  }
});

test("a drifted repeat shows the same field moved, by whole pixels exactly, and its noise stays white", async () => {
  const [height, width] = [128, 128];
  const sizes = { ...simulation.sizes, y: height, x: width };
  const still = { ...simulation, sizes, sampleType: "float32" } as const;
  const moved = (driftY: number, driftX: number) =>
    simulate({ ...still, repeat: { index: 1, light: 1, driftY, driftX } });
  const index = { t: 0, c: 0, z: 2 };
  const truth = await simulate(still).clean.readPlane(index);
  const whole = await moved(3, -2).clean.readPlane(index);
  for (let y = 3; y < height; y += 1) {
    for (let x = 0; x < width - 2; x += 1) {
      const [found, expected] = [whole[y * width + x] ?? 0, truth[(y - 3) * width + x + 2] ?? 0];
      assert.ok(Math.abs(found - expected) < 1e-2, `${y} ${x}: ${found} for ${expected}`);
    }
  }
  const half = moved(0.5, 0.25);
  const shift = crossCorrelation(
    Float32Array.from(truth),
    Float32Array.from(await half.clean.readPlane(index)),
    { height, width },
  );
  assert.ok(Math.abs(shift.y - 0.5) < 0.1 && Math.abs(shift.x - 0.25) < 0.1, `${shift.y} ${shift.x}`);
  // Noise that was resampled would resemble its neighbour.
  const [seen, expected] = [await half.noisy.readPlane(index), await half.clean.readPlane(index)];
  const noise = Float64Array.from(seen, (value, at) => value - (expected[at] ?? 0));
  let [together, alone] = [0, 0];
  for (let at = 0; at + 1 < noise.length; at += 1) {
    together += (noise[at] ?? 0) * (noise[at + 1] ?? 0);
    alone += (noise[at] ?? 0) ** 2;
  }
  assert.ok(Math.abs(together / alone) < 4 / Math.sqrt(noise.length), `${together / alone}`);
});
