import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Architecture } from "../../../core/package-settings.ts";
import {
  networkBytesPerVoxel,
  recommendedOverlap,
  recommendedTile,
} from "../../../export/package/recommended-tile.ts";

const withChannels = (channels: number): Architecture => ({
  blocks: [channels, channels, 2 * channels],
  blocks_per_set: 2,
  n_head: 8,
  kernel_size: 3,
  norm_mode: "instance",
  with_mixer: true,
  no_residual: false,
});

test("the shipped network's tile is that of its package", () => {
  assert.deepEqual(recommendedTile(withChannels(16), 4), [16, 176, 176]);
});

test("a wider network gets a smaller tile, of eight planes or more, that takes no more memory", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 128 }), fc.constantFrom(2, 4, 8), (channels, multiple) => {
      const architecture = withChannels(channels);
      const [depth, height, width] = recommendedTile(architecture, multiple);
      assert.ok(depth >= 8 && depth <= 16, String(depth));
      assert.equal(height % multiple, 0);
      assert.equal(height, width);
      assert.ok(depth * height * width * networkBytesPerVoxel(architecture) <= 550e6);
      assert.ok(height > 2 * recommendedOverlap[1], String(height));
    }),
  );
});
