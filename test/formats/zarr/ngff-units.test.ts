import assert from "node:assert/strict";
import { test } from "node:test";
import { statedDuration, statedLength } from "../../../formats/ome/units.ts";
import { symbolOf } from "../../../formats/zarr/ngff-units.ts";

test("the units of OME-Zarr become micrometers and seconds, and an unknown one stays as it is written", () => {
  const um = (unit: string) => statedLength(2, symbolOf(unit))?.um;
  assert.deepEqual(
    ["micrometer", "Micrometer", "nanometer", "millimeter", "meter", "angstrom", "inch", "µm", "um"].map(um),
    [2, 2, 0.002, 2000, 2e6, 2e-4, 50_800, 2, 2],
  );
  const s = (unit: string) => statedDuration(3, symbolOf(unit))?.s;
  assert.deepEqual(
    ["second", "millisecond", "minute", "hour", "day", "s"].map(s),
    [3, 0.003, 180, 10_800, 259_200, 3],
  );
  for (const unknown of ["furlong", "metersecond", "constructor", "megaconstructor", ""]) {
    assert.equal(symbolOf(unknown), unknown);
    assert.equal(um(unknown), undefined);
  }
});
