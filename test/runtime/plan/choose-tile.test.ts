import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isEdgeError } from "../../../core/errors.ts";
import type { PackageSettings } from "../../../core/package-settings.ts";
import { chooseTiles, type TileWishes } from "../../../runtime/plan/choose-tile.ts";
import { memoryNeed } from "../../../runtime/plan/memory-need.ts";
import {
  overlapOf,
  publishedPlan,
  redundancy,
  type StackShape,
  tileShapeOf,
} from "../../../runtime/plan/tile-plan.ts";

const settings: PackageSettings = {
  schema: 1,
  architecture: {
    blocks: [16, 16, 32],
    blocks_per_set: 2,
    n_head: 8,
    kernel_size: 3,
    norm_mode: "instance",
    with_mixer: true,
    no_residual: false,
  },
  normalization: { kind: "none" },
  intensity: { meaning: "preserved" },
  spatial_multiple: 4,
  tile: [16, 184, 184],
  overlap: [2, 16, 16],
  test_tolerance: 1e-4,
};

const { architecture: _, ...unknown } = settings;

const wishes = (stack: StackShape, more: Partial<TileWishes> = {}): TileWishes => ({
  stack,
  settings,
  bytesPerSample: 2,
  ...more,
});

const voxelsOf = (shape: readonly number[]): number => shape.reduce((product, side) => product * side, 1);
const packageVoxels = voxelsOf(settings.tile);

test("runs in one piece what a tile can hold, rounded up to the network's multiple", () => {
  assert.deepEqual(tileShapeOf(chooseTiles(wishes([1, 699, 700]))), [1, 700, 700]);
  assert.deepEqual(tileShapeOf(chooseTiles(wishes([6, 299, 300]))), [6, 300, 300]);
});

test("keeps planes whole where that computes least, in chunks of the depth that a tile holds", () => {
  assert.deepEqual(tileShapeOf(chooseTiles(wishes([24, 200, 200]))), [13, 200, 200]);
});

test("computes at most a quarter more than it delivers of 30 x 512 x 512", () => {
  assert.ok(redundancy(chooseTiles(wishes([30, 512, 512]))) <= 1.25);
});

test("gives tiles of no more voxels than the package's, of eight planes or more where the stack has them", () => {
  const length = fc.integer({ min: 4, max: 3000 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 3000 }), length, length, (z, y, x) => {
      const tile = tileShapeOf(chooseTiles(wishes([z, y, x])));
      assert.ok(voxelsOf(tile) <= packageVoxels, `${tile}`);
      assert.ok(tile[0] >= Math.min(8, z) && tile[0] <= 32, `${tile}`);
    }),
  );
});

test("needs no more memory for a deeper stack, and for a wider one only what its wider planes take", () => {
  const needOf = (...stack: [number, number, number]): number =>
    memoryNeed(chooseTiles(wishes(stack)), { settings, bytesPerSample: 2 });
  assert.equal(needOf(400, 300, 300), needOf(4000, 300, 300));
  // Two slabs of at most 32 planes, of samples and of float32, are held of whole planes.
  const ofPlanes = (side: number): number => 2 * 32 * side ** 2 * (2 + 4);
  const more = needOf(400, 3000, 3000) - needOf(400, 300, 300);
  assert.ok(more > 0 && more <= ofPlanes(3000), `${more}`);
});

test("computes little twice, and less than the published defaults", () => {
  const length = fc.integer({ min: 16, max: 1200 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 200 }), length, length, (z, y, x) => {
      const plan = chooseTiles(wishes([z, y, x]));
      const published = publishedPlan([z, y, x], [24, 256, 256], [4, 64, 64]);
      assert.ok(redundancy(plan) < 1.7, `${redundancy(plan)} with ${tileShapeOf(plan)}`);
      assert.ok(redundancy(plan) < redundancy(published), `${redundancy(plan)}, ${redundancy(published)}`);
    }),
  );
});

test("leaves out what lies near the edge of a tile cut from a plane, but not at the stack's own edge", () => {
  const [, , widths] = chooseTiles(wishes([100, 1200, 1200])).axes;
  const [first, second] = widths.spans;
  assert.ok(first !== undefined && second !== undefined);
  assert.equal(first.shares[0], 1);
  assert.deepEqual([...second.shares.subarray(0, 4)], Array(4).fill(0));
  assert.ok((second.shares[4] ?? 0) > 0);
});

test("a package for large single planes has whole planes as its tiles, also where a stack is longer than they are", () => {
  const single: PackageSettings = {
    ...unknown,
    spatial_multiple: 1,
    tile: [1, 1024, 1024],
    overlap: [0, 0, 0],
  };
  assert.deepEqual(tileShapeOf(chooseTiles(wishes([40, 1200, 300], { settings: single }))), [2, 1200, 300]);
});

test("tiles are whole planes, or hold no small part of what they may", () => {
  const side = (most: number) => fc.integer({ min: 1, max: most });
  fc.assert(
    fc.property(
      fc.tuple(side(300), side(3000), side(3000)),
      // A package's tiles are larger than what they share.
      fc.tuple(side(32), fc.integer({ min: 2, max: 64 })),
      fc.constantFrom(1, 2, 4, 8),
      (stack, [depth, eighths], multiple) => {
        const tile: [number, number, number] = [depth, 8 * eighths, 8 * eighths];
        const plan = chooseTiles(
          wishes(stack, { settings: { ...settings, spatial_multiple: multiple, tile, overlap: [0, 8, 8] } }),
        );
        const [, height, width] = tileShapeOf(plan);
        const isWhole = height >= stack[1] && width >= stack[2];
        assert.ok(isWhole || voxelsOf(tileShapeOf(plan)) >= voxelsOf(tile) / 32, String(tileShapeOf(plan)));
      },
    ),
    { numRuns: 1000 },
  );
});

test("gives a long side what a short one does not need", () => {
  const tile = tileShapeOf(chooseTiles(wishes([40, 100, 4000])));
  assert.equal(tile[1], 100);
  assert.ok(voxelsOf(tile) > 0.8 * packageVoxels, `${tile}`);
});

test("keeps the package's tile for networks of which nothing is known", () => {
  const plan = chooseTiles(wishes([512, 1024, 1024], { settings: unknown }));
  const [depth, height, width] = tileShapeOf(plan);
  assert.ok(depth * height * width <= packageVoxels);
  assert.deepEqual(overlapOf(plan), settings.overlap);
});

test("makes tiles smaller where the configured memory is short, and refuses where nothing fits", () => {
  const plan = chooseTiles(wishes([200, 1024, 1024], { memoryLimitBytes: 0.4e9 }));
  assert.ok(memoryNeed(plan, { settings, bytesPerSample: 2 }) <= 0.4e9);
  assert.throws(() => chooseTiles(wishes([200, 2048, 2048], { memoryLimitBytes: 1e6 })), {
    code: "memory-limit",
  });
});

test("makes tiles smaller where larger ones ran out of memory", () => {
  assert.ok(
    voxelsOf(tileShapeOf(chooseTiles(wishes([200, 1024, 1024], { largestVoxels: 50_000 })))) <= 50_000,
  );
});

test("takes exactly the tile and overlap asked for, inside the stack or as published", () => {
  const asked = { tile: [8, 64, 64], overlap: [2, 16, 16] } as const;
  const plan = chooseTiles(wishes([30, 400, 500], asked));
  assert.deepEqual([plan.kind, tileShapeOf(plan), overlapOf(plan)], ["fitted", asked.tile, asked.overlap]);
  assert.deepEqual(tileShapeOf(chooseTiles(wishes([3, 40, 50], asked))), [3, 40, 52]);
  const published = chooseTiles(wishes([3, 40, 50], { ...asked, tiling: "published" }));
  assert.deepEqual([published.kind, tileShapeOf(published)], ["published", asked.tile]);
});

test("pads the package's tiles as published where no others are asked for", () => {
  const plan = chooseTiles(wishes([30, 400, 500], { tiling: "published", largestVoxels: 1000 }));
  assert.deepEqual(plan, publishedPlan([30, 400, 500], settings.tile, settings.overlap));
});

const kinds: Readonly<Record<string, Partial<TileWishes>>> = {
  "a network of any size": {},
  "norms that have weights for each pixel": {
    settings: { ...settings, fixed_height_width: [64, 64], tile: [16, 64, 64] },
  },
  "an unknown architecture": { settings: unknown },
  "a graph of a fixed shape and an unknown architecture": {
    settings: { ...unknown, fixed_shape: [16, 64, 64], tile: [16, 64, 64] },
  },
  "a model of the zoo": {
    settings: { ...unknown, tile: [32, 64, 64] },
    zoo: {
      task: { verdict: "does-not-say", words: [] },
      inputAxes: "bczyx",
      outputAxes: "bczyx",
      sizes: [
        { min: 32, step: 0 },
        { min: 16, step: 16 },
        { min: 16, step: 16 },
      ],
      halo: [0, 8, 8],
      before: [],
      after: [],
      tolerance: { absolute: 1e-4, relative: 0, mismatchedPerMillion: 0 },
      notes: [],
    },
  },
};
for (const [kind, more] of Object.entries(kinds)) {
  test(`asked for the tile and overlap of a plan of its own for ${kind}, plans the same again`, () => {
    const length = fc.integer({ min: 1, max: 900 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), length, length, (...stack) => {
        const plan = chooseTiles(wishes(stack, more));
        const again = { ...more, tile: tileShapeOf(plan), overlap: overlapOf(plan) };
        assert.deepEqual(chooseTiles(wishes(stack, again)), plan);
      }),
    );
  });
}

test("refuses to tile a model of the zoo as published: its halos are not used then", () => {
  const { "a model of the zoo": zoo } = kinds;
  assert.throws(() => chooseTiles(wishes([9, 99, 99], { ...zoo, tiling: "published" })), {
    code: "tiling-zoo",
    kind: "usage",
  });
});

test("refuses tiles that the network cannot take", () => {
  assert.throws(() => chooseTiles(wishes([9, 99, 99], { tile: [8, 62, 64] })), { code: "tile-size" });
  const layer = { ...settings, fixed_height_width: [64, 64] as [number, number] };
  assert.throws(() => chooseTiles(wishes([9, 99, 99], { settings: layer, tile: [8, 128, 128] })), {
    code: "tile-size",
    allowed: /64,64/,
  });
  assert.deepEqual(tileShapeOf(chooseTiles(wishes([9, 40, 99], { settings: layer }))), [9, 64, 64]);
});

test("plans any stack with tiles that the network takes and memory holds", () => {
  const length = fc.integer({ min: 1, max: 3000 });
  fc.assert(
    fc.property(
      length,
      length,
      length,
      fc.integer({ min: 0.5e9, max: 64e9 }),
      (z, y, x, memoryLimitBytes) => {
        const plan = chooseTiles(wishes([z, y, x], { memoryLimitBytes }));
        const [, height, width] = tileShapeOf(plan);
        for (const axis of plan.axes) {
          assert.equal(axis.spans[0]?.start, 0);
          assert.ok(axis.spans.length === 1 || axis.spans.at(-1)?.start === axis.length - axis.tile);
          const sums = new Float64Array(axis.length);
          for (const { start, shares } of axis.spans) {
            for (const [i, share] of shares.entries()) {
              if (start + i < axis.length) sums[start + i] = (sums[start + i] ?? 0) + share;
            }
          }
          assert.ok(sums.every((sum) => Math.abs(sum - 1) < 1e-5));
        }
        assert.equal(height % 4, 0);
        assert.equal(width % 4, 0);
        assert.ok(memoryNeed(plan, { settings, bytesPerSample: 2 }) <= memoryLimitBytes);
      },
    ),
  );
});

test("a graph of fixed shape gets tiles of exactly that shape, for stacks smaller and larger than it", () => {
  const fixed: PackageSettings = { ...settings, fixed_shape: [16, 128, 192], tile: [16, 128, 192] };
  const length = fc.integer({ min: 1, max: 400 });
  fc.assert(
    fc.property(fc.tuple(length, length, length), (stack) => {
      const plan = chooseTiles(wishes(stack, { settings: fixed }));
      assert.deepEqual(tileShapeOf(plan), [16, 128, 192]);
      const asked = chooseTiles(wishes(stack, { settings: fixed, overlap: [2, 16, 16] }));
      assert.deepEqual(tileShapeOf(asked), [16, 128, 192]);
    }),
  );
  assert.throws(
    () => chooseTiles(wishes([20, 300, 300], { settings: fixed, tile: [8, 128, 192] })),
    (error) => isEdgeError(error, "tile-size") && /16,128,192/.test(error.allowed ?? ""),
  );
  assert.throws(
    () => chooseTiles(wishes([20, 3000, 3000], { settings: fixed, memoryLimitBytes: 1e7 })),
    (error) => isEdgeError(error, "memory-limit"),
  );
});

test("does not make a tile of thousands of small planes: attention grows with the square of their number", () => {
  assert.ok(tileShapeOf(chooseTiles(wishes([1_000_000, 4, 4])))[0] <= 32);
});
