import assert from "node:assert/strict";
import { test } from "node:test";
import { measureBleaching } from "../../../calibration/experiment/bleaching.ts";
import { measureDrift } from "../../../calibration/experiment/drift.ts";
import { prepareRepeats, stillness } from "../../../calibration/experiment/prepare-repeats.ts";
import type { Repeats } from "../../../calibration/experiment/repeats.ts";
import { stillRepeats } from "../known-truth/still-repeats.ts";
import { knownField } from "../known-truth-measurement.ts";

const large = { z: 1, y: 140, x: 150 };
const shape = { height: 120, width: 128 };
const camera = { gain: 1, offset: 100, readNoise: 1 };
const { truth, picture } = stillRepeats("mixed", large, 60, camera, 9);

/** A window of the large picture, moved by whole pixels, or between pixels by mixing two neighbours. */
function window(image: Float32Array, moveY: number, moveX: number): Float32Array {
  const whole = Math.floor(moveX);
  const share = moveX - whole;
  return Float32Array.from({ length: shape.height * shape.width }, (_, at) => {
    const row = 10 + Math.floor(at / shape.width) - moveY;
    const column = 10 + (at % shape.width) - whole;
    const value = image[row * large.x + column] ?? 0;
    return share === 0 ? value : (1 - share) * value + share * (image[row * large.x + column - 1] ?? 0);
  });
}

function moving(moves: readonly (readonly [number, number])[]): Repeats {
  const { repeats } = knownField({ z: 1, y: shape.height, x: shape.width }, 1, moves.length);
  return {
    ...repeats,
    readPlane: (index) => Promise.resolve(window(picture(index, 0), ...(moves[index] ?? [0, 0]))),
  };
}

test("whole pixels of drift are undone and the field is cropped to what all repeats show", async () => {
  const moves = [
    [0, 0],
    [1, 0],
    [1, 2],
    [2, 3],
    [3, 5],
    [4, 5],
  ] as const;
  const prepared = await prepareRepeats(moving(moves));
  const first = prepared.drift.undone[0] ?? assert.fail();
  assert.deepEqual(
    prepared.drift.undone.map(({ y, x }) => [y - first.y, x - first.x]),
    moves.map(([y, x]) => [y, x]),
  );
  assert.deepEqual([prepared.repeats.height, prepared.repeats.width], [shape.height - 4, shape.width - 5]);
  assert.ok(prepared.stillness > 0.9);
  // Without noise every prepared repeat would be the same cut of the field.
  const planes = await Promise.all(moves.map((_, index) => prepared.repeats.readPlane(index, 0)));
  const spread = planes[0]?.map((value, at) => value - (planes[5]?.[at] ?? 0)) ?? assert.fail();
  const noise = spread.reduce((sum, value) => sum + value * value, 0) / spread.length / 2;
  const mean = (truth[0] ?? assert.fail()).reduce((sum, value) => sum + value, 0) / (large.y * large.x);
  // Poisson noise at gain 1, and read noise of 1.
  assert.ok(
    Math.abs(noise / (mean - camera.offset + 1) - 1) < 0.15,
    `${noise} against ${mean - camera.offset + 1}`,
  );
});

test("drift by half pixels is refused with its reason", () => {
  const halves = [0, 0.5, 0.25, 0.75, 0.5, 0, 0.75, 0.25, 0.5, 0.75];
  const images = halves.map((move, index) => window(picture(index, 0), 0, move));
  assert.throws(() => measureDrift(images, shape), /drifted by fractions of a pixel/);
});

test("repeats between pixels are left out where enough others stand on whole ones", () => {
  const images = [0, 0, 0.5, 0, 0, 1, 1, 0].map((move, index) => window(picture(index, 0), 0, move));
  assert.deepEqual(measureDrift(images, shape).kept, [0, 1, 3, 4, 5, 6, 7]);
});

test("where nothing can be seen no drift is assumed", () => {
  const dark = stillRepeats("puncta", { z: 1, y: 64, x: 64 }, 0.001, camera, 2);
  const images = Array.from({ length: 8 }, (_, index) => dark.picture(index, 0));
  const drift = measureDrift(images, { height: 64, width: 64 });
  assert.equal(drift.measurable, false);
  assert.equal(drift.kept.length, 8);
});

const field = window(truth[0] ?? new Float32Array(), 0, 0);
const faded = (factor: number, offset: number) =>
  field.map((value) => offset + factor * (value - camera.offset));

test("bleaching is one factor per repeat about the camera's offset, found from the repeats themselves", () => {
  const factors = [1.1, 1.05, 1, 0.95, 0.9];
  const found = measureBleaching(
    factors.map((factor) => faded(factor, camera.offset)),
    shape,
    undefined,
  );
  assert.ok(found.corrected);
  assert.ok(Math.abs(found.offset - camera.offset) < 0.5, `${found.offset}`);
  assert.equal(found.factors.length, factors.length);
  found.factors.forEach((factor, index) => {
    assert.ok(Math.abs(factor - (factors[index] ?? 0)) < 0.01);
  });
});

test("exposures of very different brightness are brought to that of their judges", () => {
  const exposures = [0.125, 0.25, 0.5, 1, 1];
  const found = measureBleaching(
    exposures.map((factor) => faded(8 * factor, camera.offset)),
    shape,
    undefined,
    { judges: [3, 4] },
  );
  assert.ok(found.corrected);
  assert.equal(found.factors.length, exposures.length);
  found.factors.forEach((factor, index) => {
    assert.ok(Math.abs(factor / (exposures[index] ?? 0) - 1) < 0.02, `${factor}`);
  });
});

test("a change of brightness below a hundredth is left alone", () => {
  assert.equal(
    measureBleaching(
      [1, 0.998, 1.002].map((factor) => faded(factor, 100)),
      shape,
      undefined,
    ).corrected,
    false,
  );
});

test("strong bleaching, and brightness that is no single factor, are refused in plain words", () => {
  assert.throws(
    () =>
      measureBleaching(
        [1, 0.8, 0.5].map((factor) => faded(factor, 100)),
        shape,
        100,
      ),
    /bleached too much/,
  );
  const halfBleached = faded(1, 100).map((value, at) =>
    at % shape.width < 64 ? value : 100 + 0.7 * (value - 100),
  );
  assert.throws(
    () => measureBleaching([faded(1, 100), faded(1, 100), halfBleached], shape, 100),
    /not by one factor/,
  );
});

test("stillness is 1 for noise and small for a field that wanders", () => {
  const noise = Array.from({ length: 10 }, (_, index) => window(picture(index, 0), 0, 0));
  assert.ok(Math.abs(stillness(noise) - 1) < 0.05);
  const wandering = noise.map((image, index) =>
    image.map((value, at) => value + (at % 7 === 0 ? 20 * index : 0)),
  );
  assert.ok(stillness(wandering) < 0.3);
});
