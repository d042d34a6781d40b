import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, beforeEach, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { runHere } from "./run-command.ts";

const program = resolve(import.meta.dirname, "../../bin/cnnt-edge.js");
const root = await mkdtemp(join(tmpdir(), "cnnt-simulate-"));
let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(root, "case-"));
});
after(() => rm(root, { recursive: true }));

async function simulate(...options: string[]) {
  const { code, ...said } = await runHere(["simulate", "--out", folder, ...options]);
  return { status: code, ...said };
}

test("simulate prints the files that it wrote, the truth beside each", async () => {
  const { status, stdout } = await simulate("--shape", "2,16,16", "--count", "2", "--seed", "4", "--clean");
  assert.equal(status, 0);
  const names = [
    "simulated-0004.ome.tif",
    "simulated-0004-clean.ome.tif",
    "simulated-0005.ome.tif",
    "simulated-0005-clean.ome.tif",
  ];
  assert.equal(stdout, names.map((name) => `${join(folder, name)}\n`).join(""));
  assert.deepEqual((await readdir(folder)).sort(), [...names].sort());
});

test("the same seed gives the same pixels, and an existing file is refused", async () => {
  const pixels = async (): Promise<Buffer> =>
    (await readFile(join(folder, "simulated-0001.ome.tif"))).subarray(16, 16 + 2 * 3 * 16 * 16);
  assert.equal((await simulate("--shape", "3,16,16")).status, 0);
  const first = await pixels();
  const refused = await simulate("--shape", "3,16,16");
  assert.equal(refused.status, 2);
  assert.match(refused.stderr, /^cnnt-edge: .*simulated-0001\.ome\.tif: the file exists already\./);
  assert.equal((await simulate("--shape", "3,16,16", "--overwrite")).status, 0);
  assert.deepEqual(await pixels(), first);
});

test("--repeats writes one field with new noise in one folder, each repeat dimmer and moved as asked, the truth beside it", async () => {
  const { status, stdout, stderr } = await simulate(
    ...["--repeats", "3", "--shape", "2,40,40", "--bleaching", "10%", "--drift", "1.5", "--clean"],
  );
  assert.equal(status, 0, stderr);
  const names = ["scan-001.ome.tif", "scan-002.ome.tif", "scan-003.ome.tif"];
  assert.deepEqual((await readdir(join(folder, "repeats"))).sort(), names);
  assert.deepEqual((await readdir(join(folder, "truth"))).sort(), names);
  const listed = names.flatMap((name) => [join(folder, "repeats", name), join(folder, "truth", name)]);
  assert.equal(stdout, listed.map((file) => `${file}\n`).join(""));
  assert.match(stderr, /cnnt-edge calibrate .*repeats/);
});

test("repeats that neither bleach nor drift share one truth, and the first is what simulate writes without --repeats", async () => {
  assert.equal((await simulate("--repeats", "2", "--shape", "1,16,16", "--clean")).status, 0);
  assert.deepEqual((await readdir(folder)).sort(), ["repeats", "truth.ome.tif"]);
  assert.equal((await simulate("--shape", "1,16,16")).status, 0);
  const pixels = async (name: string) => (await readFile(join(folder, name))).subarray(16, 16 + 2 * 16 * 16);
  const alone = await pixels("simulated-0001.ome.tif");
  assert.deepEqual(await pixels("repeats/scan-001.ome.tif"), alone);
  assert.notDeepEqual(await pixels("repeats/scan-002.ome.tif"), alone);
});

test("repeats are refused where calibrate could not use them, before anything is written", async () => {
  for (const [options, said] of [
    [
      ["--repeats", "3", "--count", "2"],
      /--count.*cannot be used with option '--repeats|--repeats.*cannot be used with option '--count/,
    ],
    [["--drift", "1"], /--bleaching and --drift need repeats/],
    [["--repeats", "3", "--shape", "2,1,1,16,16"], /a repeat is one stack/],
    [["--repeats", "3", "--scene", "ramp"], /the ramp has no noise/],
    [["--repeats", "30", "--drift", "2"], /the field would drift out of the picture/],
    [["--repeats", "3", "--bleaching", "2"], /must be a percentage/],
  ] as const) {
    const { status, stderr } = await simulate(...options);
    assert.equal(status, 2, options.join(" "));
    assert.match(stderr, said);
    assert.deepEqual(await readdir(folder), []);
  }
  assert.equal((await simulate("--repeats", "3", "--shape", "1,8,8")).status, 0);
  const fewer = await simulate("--repeats", "2", "--shape", "1,8,8", "--overwrite");
  assert.equal(fewer.status, 2);
  assert.match(fewer.stderr, /holds files that are not part of these repeats.*scan-003/);
});

test("--help says that --count changes the field and --repeats does not", async () => {
  const { stdout } = await simulate("--help");
  const words = stdout.replace(/\s+/g, " ");
  assert.match(words, /--count <n> how many acquisitions, each of another field/);
  assert.match(words, /--repeats <n> record one field so many times/);
  assert.doesNotMatch(words, /\(default: \{/);
});

test("wrong sizes, a missing folder and a wrong number are told in a line, with the exit code of each", async () => {
  for (const options of [
    ["--shape", "0,16,16"],
    ["--shape", "16,16"],
    ["--photons", "-1"],
    ["--seed", "x"],
  ]) {
    const { status, stderr } = await simulate(...options);
    assert.equal(status, 2, options.join(" "));
    assert.match(stderr, /^error: option '--.*is invalid\./);
  }
});

test("the folder is made if it is missing; a file in its place is refused in one line", async () => {
  const missing = join(folder, "missing");
  assert.equal((await simulate("--out", missing, "--shape", "1,8,8")).status, 0);
  assert.equal((await readdir(missing)).length, 1);
  await rm(missing, { recursive: true });
  const file = import.meta.filename;
  const refused = await simulate("--out", file, "--shape", "1,8,8");
  assert.equal(refused.status, 2);
  assert.match(refused.stderr, /the folder for results cannot be made .*--out/);
  assert.equal(refused.stderr.trim().split("\n").length, 1);
});

test("Ctrl-C in mid-write leaves nothing and exits with 130", async () => {
  const child = spawn(process.execPath, [
    program,
    "simulate",
    "--out",
    folder,
    "--shape",
    "4000,128,128",
    "--scene",
    "filaments",
  ]);
  while ((await readdir(folder)).length === 0) await delay(20);
  child.kill("SIGINT");
  const [code] = await once(child, "exit");
  assert.equal(code, 130);
  assert.deepEqual(await readdir(folder), []);
});
