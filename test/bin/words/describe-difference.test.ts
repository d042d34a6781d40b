import assert from "node:assert/strict";
import { test } from "node:test";
import { describeDifference } from "../../../bin/words/describe-difference.ts";
import { plainAcquisition } from "../../../core/acquisition.ts";
import type { PlaneSource } from "../../../formats/plane/plane-source.ts";

const image = plainAcquisition({
  file: "a.ome.tif",
  make: "OME-TIFF",
  sizes: { t: 1, c: 1, z: 2, y: 2, x: 2 },
  sampleType: "float32",
});

function sourceOf(planes: readonly (readonly number[])[], acquisition = image): PlaneSource {
  return {
    acquisition,
    readPlane: async ({ z }) => Float32Array.from(planes[z] ?? []),
    close: async () => undefined,
  };
}

const whole = [
  [1, 2, 3, Number.NaN],
  [5, 6, 7, 8],
];
const { signal } = new AbortController();

test("says nothing of equal samples, NaN among them", async () => {
  assert.equal(await describeDifference(sourceOf(whole), sourceOf(whole), signal), undefined);
});

test("says how many samples differ, where first and by how much, and how many are NaN on one side only", async () => {
  const other = [
    [1, 2, Number.NaN, Number.NaN],
    [5, 6.5, 7, 4],
  ];
  assert.equal(
    await describeDifference(sourceOf(whole), sourceOf(other), signal),
    "different: 3 of 8 samples, the first at t 0, c 0, z 0, y 1, x 0; NaN in only one of the two: 1; the largest difference is 4",
  );
  const onlyNaN = [[1, 2, 3, 4], whole[1] ?? []];
  assert.match(
    (await describeDifference(sourceOf(onlyNaN), sourceOf(whole), signal)) ?? "",
    /first at t 0, c 0, z 0, y 1, x 1; NaN in only one of the two: 1$/,
  );
});

test("says so where size or sample type are others", async () => {
  const flat = sourceOf(whole, { ...image, sampleType: "uint16" });
  assert.match(
    (await describeDifference(sourceOf(whole), flat, signal)) ?? "",
    /another size or sample type/,
  );
});
