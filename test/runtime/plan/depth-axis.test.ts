import assert from "node:assert/strict";
import { resolve } from "node:path";
import { test } from "node:test";
import type { Acquisition } from "../../../core/acquisition.ts";
import { readPackage } from "../../../export/package/read-package.ts";
import { denoiseJobSchema } from "../../../runtime/job/denoise-job.ts";
import { depthAxisOf, planeIndexOf, stackPlaces } from "../../../runtime/plan/depth-axis.ts";
import { planJob } from "../../../runtime/plan/plan-job.ts";

const of = (t: number, z: number) => ({ t, c: 2, z, y: 8, x: 8 });

test("auto is Z where there is more than one plane, else T where there is more than one time, else Z", () => {
  assert.equal(depthAxisOf("auto", of(5, 3)), "z");
  assert.equal(depthAxisOf("auto", of(5, 1)), "t");
  assert.equal(depthAxisOf("auto", of(1, 1)), "z");
  assert.equal(depthAxisOf("z", of(5, 1)), "z");
  assert.equal(depthAxisOf("t", of(5, 3)), "t");
});

test("with time as depth there is a stack for each Z and channel, and its planes run along T", () => {
  const places = stackPlaces("t", of(5, 3));
  assert.equal(places.length, 3 * 2);
  assert.deepEqual(places[1], { channel: 1, other: 0 });
  assert.deepEqual(planeIndexOf("t", { channel: 1, other: 2 }, 4), { t: 4, c: 1, z: 2 });
  assert.deepEqual(planeIndexOf("z", { channel: 1, other: 2 }, 4), { t: 2, c: 1, z: 4 });
});

/** What a plan for an acquisition of so many times and planes tells. */
async function notesOf(t: number, z: number, depthAxis?: "z" | "t"): Promise<readonly string[]> {
  const acquisition: Acquisition = {
    file: "a.tif",
    members: ["a.tif"],
    series: 0,
    seriesCount: 1,
    make: "OME-TIFF",
    axes: "TCZYX",
    shape: [t, 1, z, 8, 8],
    sizes: { t, c: 1, z, y: 8, x: 8 },
    sampleType: "uint16",
    significantBits: 16,
    pixelSize: {},
    channels: [{}],
    compression: "none",
    byteOrder: "little",
    original: { kind: "none" },
    notes: [],
  };
  const model = resolve(import.meta.dirname, "../../../models/default");
  const job = denoiseJobSchema.parse({
    input: "a.tif",
    output: "b.tif",
    models: { default: model },
    ...(depthAxis === undefined ? {} : { depthAxis }),
  });
  return (await planJob(job, acquisition, readPackage)).notes;
}

test("that auto took time as depth is told; what was asked for is not", async () => {
  assert.deepEqual(await notesOf(5, 1), [
    "depth is time: the file has one Z plane and 5 time points (--depth-axis chooses another axis)",
  ]);
  assert.deepEqual(await notesOf(5, 3), []);
  assert.deepEqual(await notesOf(5, 1, "t"), []);
});
