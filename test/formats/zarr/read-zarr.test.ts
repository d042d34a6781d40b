import assert from "node:assert/strict";
import { basename, join } from "node:path";
import { test } from "node:test";
import { present } from "../../../core/record.ts";
import { assertTrue, liveFixtures, liveFolders, onlyImage } from "../live-truth.ts";

const um = (value: number) => ({ value, unit: "µm", um: value });

for (const folder of liveFolders(/\.zarr$/)) {
  test(`every plane of ${basename(folder)} of ${basename(join(folder, ".."))} is as it was recorded`, async () => {
    await assertTrue(await onlyImage(folder));
  });
}

test("of an OME-Zarr 0.4 and of a 0.5 the names, pixel sizes and the time between frames are read", async () => {
  for (const [name, image, compression] of [
    ["zarr-04", "live", "blosc"],
    ["zarr-05-sharded", "live", "zstd"],
    ["ome-writers-zarr", undefined, "none"],
    // Its axes are in capitals, and a transformation of all levels is the identity.
    ["iohub-04", "0", "blosc"],
  ] as const) {
    const folder = join(liveFixtures, `${name}.ome.zarr`);
    const { acquisition } = await onlyImage(`${folder}/`);
    const { original, ...told } = acquisition;
    assert.deepEqual(told, {
      file: folder,
      members: [folder],
      series: 0,
      seriesCount: 1,
      ...present({ name: image }),
      make: "OME-Zarr",
      axes: "TCZYX",
      shape: [3, 2, 2, 32, 32],
      sizes: { t: 3, c: 2, z: 2, y: 32, x: 32 },
      sampleType: "uint16",
      pixelSize: { x: um(0.325), y: um(0.325), z: um(1.5) },
      timeIncrement: { value: 0.05, unit: "s", s: 0.05 },
      channels: [{ name: "GFP" }, { name: "mCherry" }],
      compression,
      byteOrder: "little",
      notes: [],
    });
    assert.ok(original.kind === "text" && "multiscales" in JSON.parse(original.text));
  }
});
