import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, beforeEach, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";

const program = resolve(import.meta.dirname, "../../bin/cnnt-edge.js");
const root = await mkdtemp(join(tmpdir(), "cnnt-simulate-"));
let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(root, "case-"));
});
after(() => rm(root, { recursive: true }));

function simulate(...options: string[]) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [program, "simulate", "--out", folder, ...options],
    {
      encoding: "utf8",
    },
  );
  return { status, stdout, stderr };
}

test("simulate prints the files that it wrote, the truth beside each", async () => {
  const { status, stdout } = simulate("--shape", "2,16,16", "--count", "2", "--seed", "4", "--clean");
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
  assert.equal(simulate("--shape", "3,16,16").status, 0);
  const first = await pixels();
  const refused = simulate("--shape", "3,16,16");
  assert.equal(refused.status, 2);
  assert.match(refused.stderr, /^cnnt-edge: .*simulated-0001\.ome\.tif: the file exists already\./);
  assert.equal(simulate("--shape", "3,16,16", "--overwrite").status, 0);
  assert.deepEqual(await pixels(), first);
});

test("wrong sizes, a missing folder and a wrong number are told in a line, with the exit code of each", () => {
  for (const options of [
    ["--shape", "0,16,16"],
    ["--shape", "16,16"],
    ["--photons", "-1"],
    ["--seed", "x"],
  ]) {
    const { status, stderr } = simulate(...options);
    assert.equal(status, 2, options.join(" "));
    assert.match(stderr, /^error: option '--.*is invalid\./);
  }
});

test("the folder is made if it is missing; a file in its place is refused in one line", async () => {
  const missing = join(folder, "missing");
  assert.equal(simulate("--out", missing, "--shape", "1,8,8").status, 0);
  assert.equal((await readdir(missing)).length, 1);
  await rm(missing, { recursive: true });
  const file = import.meta.filename;
  const refused = simulate("--out", file, "--shape", "1,8,8");
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
