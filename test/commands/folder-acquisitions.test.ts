import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, test } from "node:test";
import { identityOf } from "../../calibration/calibrate.ts";
import { openRepeats } from "../../calibration/experiment/open-repeats.ts";
import { openAcquisition } from "../../formats/open.ts";
import { assertTrue, liveFixtures, onlyImage } from "../formats/live-truth.ts";
import { buildZarr, put } from "../formats/zarr/build-zarr.ts";
import { runCommand, runHere } from "./run-command.ts";

const identity = resolve(import.meta.dirname, "../../models/identity");
const scratch = mkdtempSync(join(tmpdir(), "folder-acquisitions-"));
after(() => rmSync(scratch, { recursive: true }));

const store = join(liveFixtures, "zarr-05-sharded.ome.zarr");

/** What a person would type to check the hash of a folder. */
function sha256Of(folder: string): string {
  const command = "find . -type f -printf '%P\\n' | LC_ALL=C sort | xargs -d '\\n' sha256sum | sha256sum";
  return execFileSync("sh", ["-c", command], { cwd: folder, encoding: "utf8" }).slice(0, 64);
}

test("info tells what an OME-Zarr holds, with a slash behind its name or without", async () => {
  for (const path of [store, `${store}/`]) {
    const { code, stdout, stderr } = await runHere(["info", path]);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /make +OME-Zarr, little-endian, compression zstd\n/);
    assert.match(stdout, /axes +TCZYX {2}3 x 2 x 2 x 32 x 32\n/);
    assert.match(stdout, /pixel size +x 0.325 µm, y 0.325 µm, z 1.5 µm\n/);
    assert.match(stdout, /time step +0.05 s\n +channels +GFP, mCherry\n/);
  }
});

test("denoise takes an OME-Zarr, names the result after it, and states the hash of all its files in it", async () => {
  const out = join(scratch, "out");
  const asTyped = ["denoise", "./zarr-05-sharded.ome.zarr/", "--model", identity, "--out", out];
  const { code, stdout, stderr } = await runCommand(asTyped, liveFixtures);
  assert.equal(code, 0, stderr);
  const result = join(out, "zarr-05-sharded.denoised.ome.tif");
  assert.equal(stdout.trim(), result);
  const made = await openAcquisition(result);
  await assertTrue(made).finally(made.close);
  const { pixelSize, channels, timeIncrement } = (await onlyImage(store)).acquisition;
  assert.deepEqual(
    [made.acquisition.pixelSize, made.acquisition.channels, made.acquisition.timeIncrement],
    [pixelSize, channels, timeIncrement],
  );
  const told = await runHere(["info", result]);
  assert.match(told.stdout, new RegExp(`Source sha256 +${sha256Of(store)}\n`));
  assert.match(told.stdout, /Source file +zarr-05-sharded.ome.zarr\n/);
  assert.match(told.stdout, /Source files +5\n/);
  const again = await runHere(["denoise", "--like", result, store, "--model", identity]);
  assert.equal(again.code, 0, again.stderr);
});

test("denoise takes a folder of OME-Zarrs and TIFFs, and each position of one that has several", async () => {
  const folder = join(scratch, "mixed");
  mkdirSync(folder);
  cpSync(join(liveFixtures, "zarr-04.ome.zarr"), join(folder, "b10.ome.zarr"), { recursive: true });
  for (const name of ["pos0", "pos1"]) {
    buildZarr(join(folder, "b2.zarr", name), {
      format: 3,
      axes: "zyx",
      shape: [4, 16, 16],
      chunk: [1, 16, 16],
    });
  }
  put(join(folder, "b2.zarr/zarr.json"), { zarr_format: 3, node_type: "group" });
  writeFileSync(join(folder, "notes.txt"), "");
  const out = join(scratch, "mixed-out");
  const { code, stderr } = await runHere(["denoise", folder, "--model", identity, "--out", out]);
  assert.equal(code, 0, stderr);
  assert.match(stderr, /b2.zarr: 2 images, each with a result of its own; --series takes one of them/);
  assert.deepEqual(readdirSync(out).sort(), [
    "b10.denoised.ome.tif",
    "b2.denoised.ome.tif",
    "b2.s1.denoised.ome.tif",
  ]);
  const told = await runHere(["info", join(out, "b2.s1.denoised.ome.tif")]);
  // Each position is hashed by itself.
  assert.match(told.stdout, new RegExp(`Source sha256 +${sha256Of(join(folder, "b2.zarr/pos1"))}\n`));
});

test("a result is never written into the OME-Zarr that it comes from", async () => {
  const copy = join(scratch, "own.ome.zarr");
  cpSync(store, copy, { recursive: true });
  const { code, stderr } = await runHere(["denoise", copy, "--model", identity, "--out", copy]);
  assert.equal(code, 1);
  assert.match(stderr, /the result would lie inside its own source .*Choose another folder/);
  assert.deepEqual(readdirSync(copy).sort(), ["0", "zarr.json"]);
});

test("an OME-Zarr with a torn chunk is refused by one line before the engine starts", async () => {
  const copy = join(scratch, "torn.ome.zarr");
  cpSync(store, copy, { recursive: true });
  writeFileSync(join(copy, "0/c/1/0/0/0/0"), "half");
  const { code, stderr } = await runHere([
    "denoise",
    copy,
    "--model",
    identity,
    "--out",
    join(scratch, "no"),
  ]);
  assert.equal(code, 1);
  assert.match(
    stderr,
    /^cnnt-edge: [^\n]*torn.ome.zarr\/0\/c\/1\/0\/0\/0\/0: a chunk of the image is cut or damaged [^\n]*\n$/,
  );
});

test("compare takes OME-Zarrs, and folders of them", async () => {
  const { code, stdout, stderr } = await runHere([
    "compare",
    join(liveFixtures, "zarr-04.ome.zarr"),
    `${store}/`,
    "--json",
  ]);
  assert.equal(code, 0, stderr);
  const { comparisons } = JSON.parse(stdout) as { comparisons: { mse?: number; psnr_db: number | string }[] };
  assert.equal(comparisons.length, 1);
});

test("the time points of an OME-Zarr are repeats for calibrate, which knows it again by all its files", async () => {
  const copy = join(scratch, "repeats.ome.zarr");
  cpSync(store, copy, { recursive: true });
  const repeats = await openRepeats([copy], { channel: 1 });
  await repeats.close();
  assert.deepEqual([repeats.averages.length, repeats.depth, repeats.files], [3, 2, [copy]]);
  const source = await onlyImage(copy);
  assert.deepEqual(
    await repeats.readPlane(2, 1),
    Float32Array.from(await source.readPlane({ t: 2, c: 1, z: 1 })),
  );
  const before = await identityOf([copy]);
  assert.equal(before.length, 5);
  writeFileSync(join(copy, "0/c/1/0/0/0/0"), "other");
  assert.notDeepEqual(await identityOf([copy]), before);
});

test("info tells what an NDTiff holds, and denoise names its result after the folder", async () => {
  const folder = join(liveFixtures, "ndtiff-python/live_1");
  const told = await runHere(["info", "./ndtiff-python/live_1"], liveFixtures);
  assert.match(
    told.stdout,
    /make +NDTiff, little-endian, compression none\n +axes +TCZYX {2}3 x 2 x 2 x 32 x 32\n/,
  );
  assert.match(told.stdout, /files +2: NDTiff.index, live_NDTiffStack.tif\n/);
  const out = join(scratch, "nd-out");
  const { code, stderr } = await runHere(["denoise", ".", "--model", identity, "--out", out], folder);
  assert.equal(code, 0, stderr);
  const made = await openAcquisition(join(out, "live_1.denoised.ome.tif"));
  await assertTrue(made).finally(made.close);
  const result = await runHere(["info", join(out, "live_1.denoised.ome.tif")]);
  const list = "sha256sum NDTiff.index live_NDTiffStack.tif | sha256sum";
  const sha256 = execFileSync("sh", ["-c", list], { cwd: folder, encoding: "utf8" }).slice(0, 64);
  assert.match(result.stdout, new RegExp(`Source sha256 +${sha256}\n`));
  assert.match(result.stdout, /Source files +2\n/);
});
