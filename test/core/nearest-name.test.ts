import assert from "node:assert/strict";
import { test } from "node:test";
import { nearestName } from "../../core/nearest-name.ts";

test("a letter that is missing, too many, wrong or swapped still finds the name that was meant", () => {
  const known = ["output", "path", "model"];
  for (const slip of ["outptu", "ouput", "outtput", "outpot", "OUTPUT"]) {
    assert.equal(nearestName(slip, known), "output", slip);
  }
});

test("a name without its last words, as a unit, finds the name that was meant", () => {
  assert.equal(nearestName("quiet", ["set_quiet_s", "quiet_s", "quietest"]), "quiet_s");
  assert.equal(nearestName("keep", ["keeping", "keep_days"]), "keep_days");
  assert.equal(nearestName("qui", ["quiet_s"]), undefined);
});

test("another word is not taken for a slip, and a name is not offered for itself", () => {
  assert.equal(nearestName("http", ["mqtt", "path"]), undefined);
  assert.equal(nearestName("GFP", ["BFP2"]), undefined);
  assert.equal(nearestName("ab", ["ac"]), undefined);
  assert.equal(nearestName("output", ["output"]), undefined);
});
