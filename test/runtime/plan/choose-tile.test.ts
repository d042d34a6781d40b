import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isEdgeError } from "../../../core/errors.ts";
import type { PackageSettings } from "../../../core/package-settings.ts";
import { chooseTiles, memoryNeed, type TileWishes } from "../../../runtime/plan/choose-tile.ts";
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
  tile: [24, 256, 256],
  overlap: [4, 64, 64],
  test_tolerance: 1e-4,
};

const wishes = (stack: StackShape, more: Partial<TileWishes> = {}): TileWishes => ({
  stack,
  settings,
  bytesPerSample: 2,
  availableBytes: 16e9,
  ...more,
});

test("runs single planes whole, rounded up to the network's multiple", () => {
  assert.deepEqual(tileShapeOf(chooseTiles(wishes([1, 1023, 1024]))), [1, 1024, 1024]);
  assert.deepEqual(tileShapeOf(chooseTiles(wishes([1, 1998, 2046]))), [1, 2000, 2048]);
});

test("runs a stack in one piece where memory holds it: nothing else has no seams", () => {
  assert.deepEqual(tileShapeOf(chooseTiles(wishes([6, 499, 500]))), [6, 500, 500]);
  const plan = chooseTiles(wishes([30, 512, 512], { availableBytes: 22e9 }));
  assert.deepEqual(tileShapeOf(plan), [30, 512, 512]);
  assert.equal(redundancy(plan), 1);
});

test("cuts deeper stacks into chunks of whole planes, of one depth for all of them", () => {
  const [, ...plane] = [0, 300, 300];
  const chunks = [40, 41, 400, 4000].map((depth) =>
    chooseTiles(wishes([depth, 300, 300], { availableBytes: 3e9 })),
  );
  for (const plan of chunks) assert.deepEqual(tileShapeOf(plan), [16, ...plane]);
  const needs = chunks.map((plan) => memoryNeed(plan, { settings, bytesPerSample: 2 }));
  assert.equal(new Set(needs).size, 1);
});

test("cuts planes where fewer than eight of them fit", () => {
  const plan = chooseTiles(wishes([100, 1200, 1200]));
  const [depth, height, width] = tileShapeOf(plan);
  assert.ok(depth >= 8 && depth <= 24, `${depth}`);
  assert.ok(height > 256 && width > 256 && height < 1200, `${height} x ${width}`);
});

test("computes little twice also where memory is short, and less than the published defaults", () => {
  const length = fc.integer({ min: 16, max: 1200 });
  const depth = fc.integer({ min: 1, max: 200 });
  fc.assert(
    fc.property(depth, length, length, fc.integer({ min: 1e9, max: 64e9 }), (z, y, x, availableBytes) => {
      const plan = chooseTiles(wishes([z, y, x], { availableBytes }));
      const published = publishedPlan([z, y, x], settings.tile, settings.overlap);
      assert.ok(redundancy(plan) < 2.1, `${redundancy(plan)} with ${tileShapeOf(plan)}`);
      assert.ok(redundancy(plan) < redundancy(published), `${redundancy(plan)}, ${redundancy(published)}`);
    }),
  );
});

test("leaves out what lies near the edge of a tile cut from a plane, but not at the stack's own edge", () => {
  const [, , widths] = chooseTiles(wishes([100, 1200, 1200])).axes;
  const [first, second] = widths.spans;
  assert.ok(first !== undefined && second !== undefined);
  assert.equal(first.shares[0], 1);
  assert.deepEqual([...second.shares.subarray(0, 8)], Array(8).fill(0));
  assert.ok((second.shares[8] ?? 0) > 0);
});

test("gives a long side what a short one does not need", () => {
  const [depth, height, width] = tileShapeOf(chooseTiles(wishes([40, 100, 4000], { availableBytes: 4e9 })));
  assert.equal(height, 100);
  assert.ok(depth * height * width > (0.8 * (0.5 * 4e9)) / 896, `${depth} x ${height} x ${width}`);
});

test("keeps the package's tile for networks of which nothing is known", () => {
  const { architecture: _, ...unknown } = settings;
  const plan = chooseTiles(wishes([512, 1024, 1024], { settings: unknown }));
  const [depth, height, width] = tileShapeOf(plan);
  assert.ok(depth * height * width <= 24 * 256 * 256);
  assert.deepEqual(overlapOf(plan), settings.overlap);
});

test("makes tiles smaller where memory is short, and refuses where nothing fits", () => {
  const plan = chooseTiles(wishes([200, 2048, 2048], { availableBytes: 1e9 }));
  assert.ok(memoryNeed(plan, { settings, bytesPerSample: 2 }) <= 1e9);
  assert.throws(() => chooseTiles(wishes([200, 2048, 2048], { availableBytes: 1e6 })), {
    code: "memory-short",
  });
});

test("takes exactly the tile and overlap asked for, with the published tiling", () => {
  const plan = chooseTiles(wishes([3, 40, 50], { tile: [8, 64, 64], overlap: [2, 16, 16] }));
  assert.equal(plan.kind, "published");
  assert.deepEqual(tileShapeOf(plan), [8, 64, 64]);
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
    fc.property(length, length, length, fc.integer({ min: 0.5e9, max: 64e9 }), (z, y, x, availableBytes) => {
      const plan = chooseTiles(wishes([z, y, x], { availableBytes }));
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
      assert.ok(memoryNeed(plan, { settings, bytesPerSample: 2 }) <= availableBytes);
    }),
  );
});

test("a graph of fixed shape gets tiles of exactly that shape, for stacks smaller and larger than it", () => {
  const fixed: PackageSettings = { ...settings, fixed_shape: [16, 128, 192], tile: [16, 128, 192] };
  const length = fc.integer({ min: 1, max: 400 });
  fc.assert(
    fc.property(fc.tuple(length, length, length), (stack) => {
      const plan = chooseTiles(wishes(stack, { settings: fixed }));
      assert.deepEqual(tileShapeOf(plan), [16, 128, 192]);
      const asked = chooseTiles(wishes(stack, { settings: fixed, overlap: [2, 8, 8] }));
      assert.deepEqual(tileShapeOf(asked), [16, 128, 192]);
    }),
  );
  assert.throws(
    () => chooseTiles(wishes([20, 300, 300], { settings: fixed, tile: [8, 128, 192] })),
    (error) => isEdgeError(error, "tile-size") && /16,128,192/.test(error.allowed ?? ""),
  );
  assert.throws(
    () => chooseTiles(wishes([20, 3000, 3000], { settings: fixed, availableBytes: 1e7 })),
    (error) => isEdgeError(error, "memory-short"),
  );
});

test("counts each plane's attention to every other: a million small planes are not one piece", () => {
  const plan = chooseTiles(wishes([1_000_000, 4, 4]));
  assert.ok(tileShapeOf(plan)[0] <= 24, `${tileShapeOf(plan)}`);
  // 2000 planes of 16 x 16 are: 8 heads times 2000² scores are some hundred megabytes.
  assert.deepEqual(tileShapeOf(chooseTiles(wishes([2000, 16, 16]))), [2000, 16, 16]);
});
