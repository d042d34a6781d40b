import assert from "node:assert/strict";
import { test } from "node:test";
import { statedDuration, statedLength } from "../../../formats/ome/units.ts";

test("every spelling of the micrometre is one", () => {
  for (const unit of ["µm", "μm", "Âµm", "Î¼m", "um", "micron", "microns", "\\u00B5m", "\\u03BCm", " µm "]) {
    assert.equal(statedLength(0.108, unit)?.um, 0.108, unit);
  }
});

test("other lengths come in micrometres, without digits that nobody measured", () => {
  assert.deepEqual(statedLength(108, "nm"), { value: 108, unit: "nm", um: 0.108 });
  assert.equal(statedLength(0.000108, "mm")?.um, 0.108);
  assert.equal(statedLength(2, "inch")?.um, 50_800);
  assert.equal(statedLength(3, "Å")?.um, 0.0003);
});

test("what is no length has no micrometres, and what is no number is nothing", () => {
  assert.deepEqual(statedLength(1, "pixel"), { value: 1, unit: "pixel" });
  assert.deepEqual(statedLength(5, "('cm',)"), { value: 5, unit: "('cm',)" });
  assert.equal("um" in (statedLength(1, "constructor") ?? {}), false);
  for (const value of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.equal(statedLength(value, "µm"), undefined);
  }
});

test("any prefix of SI counts, before a metre and before a second", () => {
  assert.equal(statedLength(2, "Ym")?.um, 2e30);
  assert.equal(statedLength(2, "dam")?.um, 2e7);
  assert.equal(statedLength(2, "ym")?.um, 2e-18);
  assert.equal(statedDuration(2, "Ys")?.s, 2e24);
  assert.equal(statedDuration(2, "ks")?.s, 2000);
  assert.equal(statedDuration(2, "µs")?.s, 2e-6);
  assert.equal(statedDuration(2, "ys")?.s, 2e-24);
});

test("times come in seconds", () => {
  assert.deepEqual(statedDuration(250, "ms"), { value: 250, unit: "ms", s: 0.25 });
  assert.equal(statedDuration(3, "min")?.s, 180);
  assert.deepEqual(statedDuration(3, "frames"), { value: 3, unit: "frames" });
});
