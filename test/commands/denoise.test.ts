import assert from "node:assert/strict";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, before, test } from "node:test";
import type { Samples } from "../../core/acquisition.ts";
import { readNpyTensor } from "../../formats/npy.ts";
import { openAcquisition } from "../../formats/open.ts";
import { runHere } from "./run-command.ts";

const root = resolve(import.meta.dirname, "../..");
const identity = join(root, "models/identity");
const fixtures = join(root, "test/fixtures/tiled");

const scratch = mkdtempSync(join(tmpdir(), "denoise-"));
const stack = join(scratch, "simulated-0001.ome.tif");
after(() => rmSync(scratch, { recursive: true }));

before(async () => {
  const { code, stderr } = await runHere(["simulate", "--out", scratch, "--shape", "2,2,20,70,50"]);
  assert.equal(code, 0, stderr);
});

async function planes(file: string): Promise<Samples[]> {
  const source = await openAcquisition(file);
  const { t, c, z } = source.acquisition.sizes;
  const read: Samples[] = [];
  for (let i = 0; i < t * c * z; i += 1) {
    read.push(await source.readPlane({ t: Math.floor(i / z / c), c: Math.floor(i / z) % c, z: i % z }));
  }
  await source.close();
  return read;
}

async function provenance(file: string): Promise<string> {
  const source = await openAcquisition(file);
  await source.close();
  return source.acquisition.original.kind === "ome-xml" ? source.acquisition.original.xml : "";
}

test("writes how the result was made into it, and says so as JSON", async () => {
  const out = join(scratch, "provenance");
  const options = ["--out", out, "--channel", "1=pass", "--json"];
  const { code, stdout, stderr } = await runHere(["denoise", stack, ...options]);
  assert.equal(code, 0, stderr);
  const [{ outcome }] = (JSON.parse(stdout) as { results: [{ outcome: Record<string, unknown> }] }).results;
  assert.equal(outcome["provider"], "cpu");
  assert.deepEqual(outcome["tile"], [20, 72, 52]);
  const xml = await provenance(String(outcome["output"]));
  for (const said of [
    `<M K="Source sha256">${outcome["sourceSha256"]}</M>`,
    '<M K="Provider">cpu</M>',
    '<M K="Depth axis">Z</M>',
    '<M K="Channel 0: Tile">20,72,52 (depth,height,width)</M>',
    '<M K="Channel 0: Normalization">percentile 1.5 to 99.5, not clipped</M>',
    '<M K="Channel 0: Intensity meaning">preserved: output values are in the input',
    '<M K="Channel 0: Intensity slope">median 0.98 (smallest 0.91, largest 1.00) over 18 pairs of noisy and clean images (planes of public',
    '<M K="Channel 1: Model">none (passed on unchanged)</M>',
  ]) {
    assert.ok(xml.includes(said), said);
  }
  assert.match(xml, /<M K="Channel 0: Normalized from, stack 1">[\d.]+ to [\d.]+<\/M>/);
  assert.match(xml, /<M K="Channel 0: Model sha256">[0-9a-f]{64}<\/M>/);
  const [before, now] = [await planes(stack), await planes(String(outcome["output"]))];
  // Planes 20 to 39 and 60 to 79 are channel 1.
  for (const i of [20, 39, 60, 79]) assert.deepEqual(now[i], before[i]);
  assert.notDeepEqual(now[0], before[0]);
});

test("refuses what it cannot read in one line each, goes on with the rest, and exits with 1", async () => {
  const bad = join(scratch, "bad");
  mkdirSync(join(bad, "folder.tif"), { recursive: true });
  writeFileSync(join(bad, "empty.tif"), "");
  writeFileSync(join(bad, "text.tif"), "not an image\n");
  writeFileSync(
    join(bad, "noise.tif"),
    Buffer.from(Array.from({ length: 5000 }, (_, i) => (i * 7919) % 251)),
  );
  copyFileSync(stack, join(bad, "cut.tif"));
  truncateSync(join(bad, "cut.tif"), 100_000);
  copyFileSync(stack, join(bad, "a.tif"));
  copyFileSync(stack, join(bad, "a.ome.tif"));
  const names = [
    "empty.tif",
    "text.tif",
    "noise.tif",
    "cut.tif",
    "folder.tif",
    "missing\n.tif",
    "a.tif",
    "a.ome.tif",
  ];
  const files = names.map((name) => join(bad, name));
  const { code, stdout, stderr } = await runHere(["denoise", ...files, "--model", identity, "--out", bad]);
  assert.equal(code, 1);
  assert.equal(stdout, `${join(bad, "a.denoised.ome.tif")}\n`);
  const complaints = stderr.split("\n").filter((line) => line.startsWith("cnnt-edge: "));
  const expected = [
    /empty\.tif: the file is empty/,
    /text\.tif: this is text, not an image/,
    /noise\.tif: this is not an image format that cnnt-edge knows/,
    /cut\.tif: /,
    /folder\.tif: the folder holds no image that cnnt-edge reads/,
    /missing\\n\.tif: there is no such file/,
    /a\.ome\.tif: two files would have the same result/,
  ];
  assert.equal(complaints.length, expected.length, stderr);
  for (const pattern of expected)
    assert.ok(
      complaints.some((line) => pattern.test(line)),
      `${pattern}\n${stderr}`,
    );
  assert.doesNotMatch(stderr, /^\s+at /m);
});

test("refuses a provider that this machine does not have, with a remedy", async () => {
  const out = join(scratch, "tensorrt");
  const { code, stderr } = await runHere(["denoise", stack, "--provider", "tensorrt", "--out", out]);
  assert.equal(code, 1);
  assert.match(stderr, /provider tensorrt cannot be used.*cnnt-edge doctor/);
});

test("explains a plan without doing it", async () => {
  const out = join(scratch, "explained");
  const { code, stdout } = await runHere(["denoise", stack, "--out", out, "--explain"]);
  assert.equal(code, 0);
  assert.match(stdout, /stacks: 4 of 20 x 70 x 50, depth is Z/);
  assert.match(
    stdout,
    /1 tile of 20,72,52 a stack, .*each voxel is computed (once|1\.\d\d times on average)/,
  );
  assert.match(stdout, /^ {2}memory: about \d+(\.\d)? [MG]B$/m);
  assert.match(stdout, /^ {2}result, uncompressed: (less than 1|\d+) MB$/m);
  assert.doesNotMatch(stdout, /_gb/);
  assert.equal(existsSync(out), false);
});

test("reproduces the published tiled inference with --tile, --overlap and --tiling published", async () => {
  const model = join(scratch, "model");
  const weights = join(fixtures, "instance/weights.pt");
  const config = join(fixtures, "instance/config.json");
  const exported = await runHere(["export", weights, "--config", config, "--no-cover", "--out", model]);
  assert.equal(exported.code, 0, exported.stderr);
  const out = join(scratch, "tiled");
  const input = join(fixtures, "smaller-than-tile/input.npy");
  const tiling = ["--tile", "8,64,64", "--overlap", "2,16,16", "--tiling", "published"];
  const options = ["--model", model, "--out", out, "--dtype", "float32", ...tiling];
  const denoised = await runHere(["denoise", input, ...options]);
  assert.equal(denoised.code, 0, denoised.stderr);
  const expected = await readNpyTensor(join(fixtures, "smaller-than-tile/output.npy"));
  const found = (await planes(join(out, "input.denoised.ome.tif"))).flatMap((plane) => [...plane]);
  // What torch and ONNX Runtime differ by in float32 is 2e-5.
  assert.ok(largestDifference(found, expected.data) < 1e-4);
});

function largestDifference(found: ArrayLike<number>, expected: Float32Array): number {
  assert.equal(found.length, expected.length);
  return expected.reduce((most, value, i) => Math.max(most, Math.abs(value - (found[i] ?? Number.NaN))), 0);
}

test("few grey levels between dark and bright are told, but not of a float32 result", async () => {
  const dim = join(scratch, "dim");
  const simulated = await runHere(["simulate", "--out", dim, "--shape", "4,64,64", "--photons", "3"]);
  assert.equal(simulated.code, 0, simulated.stderr);
  const source = join(dim, "simulated-0001.ome.tif");
  const run = (...more: string[]) => runHere(["denoise", source, ...more]);
  const coarse = await run("--out", join(dim, "coarse"));
  assert.match(coarse.stderr, /note: only \d+ grey levels lie between dark and bright, .*--dtype/);
  const fine = await run("--out", join(dim, "fine"), "--dtype", "float32");
  assert.doesNotMatch(fine.stderr, /grey levels/);
});
