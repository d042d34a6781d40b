import assert from "node:assert/strict";
import { test } from "node:test";
import { verdictsOf } from "../../../calibration/answer/verdicts.ts";
import type { DoubleName } from "../known-truth/doubles.ts";
import { knownField, measureDouble } from "../known-truth-measurement.ts";

const expected: Readonly<Partial<Record<DoubleName, string>>> = {
  identity: "unchanged",
  blur: "blurs",
  invent: "invents",
  shift: "shifts",
  rescale: "rescales",
};

for (const photons of [5, 20]) {
  const field = knownField({ z: 4, y: 128, x: 128 }, photons, 12);
  for (const [double, verdict] of Object.entries(expected)) {
    test(`at ${photons} photons a model that does "${double}" is called what it is, and nothing else`, async () => {
      const [level] = await measureDouble(field, double as DoubleName, [2]);
      assert.ok(level !== undefined);
      assert.deepEqual(
        verdictsOf(level).map((found) => found.verdict),
        [verdict],
      );
    });
  }
}

for (const photons of [20, 80]) {
  const field = knownField({ z: 4, y: 128, x: 128 }, photons, 12);
  for (const smoother of ["median", "bilateral"] as const) {
    test(`at ${photons} photons a ${smoother} filter is called blur, not invention, though no single filter does the same`, async () => {
      const [level] = await measureDouble(field, smoother, [2]);
      assert.ok(level !== undefined);
      const { detail } = level.denoised;
      assert.ok(
        detail.some(({ added }) => (added?.low ?? 0) > 0.02),
        "it is no filter",
      );
      const found = verdictsOf(level).map(({ verdict }) => verdict);
      assert.ok(found.includes("blurs") && !found.includes("invents"), found.join(", "));
    });
  }
}

test("a fixed pattern of 0.5 grey values (rms) is found under 80 photons, where it is an eighth of its band", async () => {
  const [level] = await measureDouble(knownField({ z: 4, y: 128, x: 128 }, 80, 12), "invent", [1]);
  assert.deepEqual(
    verdictsOf(level ?? assert.fail()).map(({ verdict }) => verdict),
    ["invents"],
  );
});

test("the shift is told in pixels, the scale as a factor", async () => {
  const field = knownField({ z: 4, y: 128, x: 128 }, 40, 8);
  const [shifted] = await measureDouble(field, "shift", [1]);
  assert.match(
    verdictsOf(shifted ?? assert.fail())[0]?.evidence ?? "",
    /lies (0\.9|1\.0)\d pixels lower and (0\.9|1\.0)\d pixels/,
  );
  const [scaled] = await measureDouble(field, "rescale", [1]);
  assert.match(
    verdictsOf(scaled ?? assert.fail())[0]?.evidence ?? "",
    /at (0\.79|0\.80)\d times their intensity/,
  );
});
