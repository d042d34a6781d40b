import assert from "node:assert/strict";
import { test } from "node:test";
import { type CnntNetwork, loadNetwork } from "../../export/cnnt/network.ts";
import { referenceForward } from "../../export/cnnt/reference.ts";
import { double, erf, halve } from "../../export/cnnt/reference-layers.ts";
import { openCheckpoint } from "../../export/torch/checkpoint.ts";
import { readNpyTensor } from "../../formats/npy.ts";
import { architectureOf, type CnntFixture, cnntFixture } from "./cnnt-fixtures.ts";

async function networkOf(fixture: CnntFixture): Promise<CnntNetwork> {
  const checkpoint = await openCheckpoint(fixture.weights);
  try {
    return await loadNetwork(checkpoint, await architectureOf(fixture.config));
  } finally {
    await checkpoint.close();
  }
}

for (const name of ["no-mixer", "four-level"]) {
  test(`the float64 forward pass gives the published output (${name})`, async () => {
    const fixture = cnntFixture(name);
    const network = await networkOf(fixture);
    assert.notEqual(fixture.pairs.length, 0);
    for (const pair of fixture.pairs) {
      const input = await readNpyTensor(pair.input);
      const expected = await readNpyTensor(pair.output);
      const output = referenceForward(network, { shape: input.shape, data: Float64Array.from(input.data) });
      const largest = expected.data.reduce(
        (worst, value, i) => Math.max(worst, Math.abs(value - (output.data[i] ?? 0))),
        0,
      );
      // The published output was computed in float64 and rounded once to float32: half a unit in the last place of values near 8.
      assert.ok(largest < 1e-6, `largest difference ${largest}`);
    }
  });
}

test("the error function has the values of the tables", () => {
  // Python's math.erf.
  for (const [x, value] of [
    [0, 0],
    [0.5, 0.5204998778130465],
    [1, 0.8427007929497149],
    [2, 0.9953222650189527],
    [2.999, 0.9999777698314002],
    [3.5, 0.9999992569016276],
    [7, 1],
  ] as const) {
    assert.ok(Math.abs(erf(x) - value) < 1e-10, `erf(${x})`);
    assert.ok(Math.abs(erf(-x) + value) < 1e-10, `erf(-${x})`);
  }
});

test("halving is the mean of 2 x 2 pixels, doubling weighs 3/4 and 1/4 with edges repeated", () => {
  const frames = { depth: 1, channels: 1, height: 2, width: 2, data: Float64Array.of(0, 4, 8, 12) };
  assert.deepEqual([...halve(frames).data], [6]);
  const doubled = double(frames);
  assert.deepEqual([...doubled.data.slice(0, 4)], [0, 1, 3, 4]);
  assert.deepEqual([...doubled.data.slice(4, 8)], [2, 3, 5, 6]);
});
