import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { depthSizes, planeAt, squeezed, storedIndex } from "../../../formats/plane/stored-axes.ts";

const axes = fc
  .uniqueArray(fc.constantFrom("T", "C", "Z", "Q", "I"), { maxLength: 5 })
  .chain((letters) =>
    fc
      .array(fc.integer({ min: 1, max: 4 }), { minLength: letters.length, maxLength: letters.length })
      .map((lengths) => ({ letters: letters.join(""), lengths })),
  );

test("each plane has one place in the stored order, and each place one plane", () => {
  fc.assert(
    fc.property(axes, (stored) => {
      const { t, c, z } = depthSizes(stored);
      const planes = stored.lengths.reduce((product, length) => product * length, 1);
      assert.equal(t * c * z, planes);
      const seen = new Set<string>();
      for (let place = 0; place < planes; place += 1) {
        const index = planeAt(stored, place);
        assert.ok(index.t < t && index.c < c && index.z < z);
        assert.equal(storedIndex(stored, index), place);
        // Axes of length 1 change nothing.
        assert.equal(storedIndex(squeezed(stored), index), place);
        seen.add(JSON.stringify(index));
      }
      assert.equal(seen.size, planes);
    }),
  );
});

test("two axes without names count up as one depth, the last one fastest", () => {
  const stored = { letters: "QQ", lengths: [2, 3] };
  assert.deepEqual(
    [0, 1, 2, 3].map((place) => planeAt(stored, place).z),
    [0, 1, 2, 3],
  );
});
