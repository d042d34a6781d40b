import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import h5wasm from "h5wasm/node";
import { openHdf5 } from "../../../calibration/experiment/open-hdf5.ts";

const folder = mkdtempSync(join(tmpdir(), "hdf5-"));
after(() => rmSync(folder, { recursive: true }));

/** A set of the published layout whose samples count up. */
async function published(name: string, noisyShape: number[]): Promise<string> {
  await h5wasm.ready;
  const path = join(folder, name);
  const file = new h5wasm.File(path, "w");
  const values = (shape: readonly number[]) =>
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, at) => at);
  const group = file.create_group("embryo");
  group.create_dataset({ name: "noisy_im", data: values(noisyShape), shape: noisyShape, dtype: "<f" });
  const clean = noisyShape.slice(-3);
  group.create_dataset({ name: "clean_im", data: values(clean), shape: clean, dtype: "<f" });
  file.close();
  return path;
}

test("(N, Z, H, W) are repeats, read plane by plane", async () => {
  const repeats = await openHdf5(await published("repeats.h5", [4, 2, 3, 5]), undefined);
  assert.deepEqual([repeats.averages, repeats.depth, repeats.height, repeats.width], [[1, 1, 1, 1], 2, 3, 5]);
  assert.deepEqual(
    [...(await repeats.readPlane(2, 1))],
    Array.from({ length: 15 }, (_, at) => 2 * 30 + 15 + at),
  );
  await repeats.close();
});

test("(Z, H, W) and its clean image are a pair", async () => {
  const repeats = await openHdf5(await published("pair.h5", [2, 3, 5]), "embryo");
  assert.deepEqual(repeats.names, ["embryo/noisy_im[0]", "embryo/clean_im"]);
  assert.equal((await repeats.readPlane(1, 1))[0], 15);
  await repeats.close();
});

test("another key and a file that is no HDF5 are refused by name", async () => {
  const path = await published("key.h5", [4, 2, 3, 5]);
  await assert.rejects(openHdf5(path, "fish"), /one image set of the file must be chosen/);
  const text = join(folder, "text.h5");
  writeFileSync(text, "not HDF5");
  await assert.rejects(openHdf5(text, undefined), /not an HDF5 file/);
});
