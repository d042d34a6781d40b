import assert from "node:assert/strict";
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, test } from "node:test";
import { buildTiff, numberedPages } from "../formats/build-tiff.ts";
import { writeMicroManager } from "../formats/described/micro-manager-files.ts";
import { masterSet } from "../watcher/set-member.ts";
import { runHere } from "./run-command.ts";

const root = resolve(import.meta.dirname, "../..");
const identity = join(root, "models/identity");
const fixtures = join(root, "test/fixtures/tiff");
const stack = join(fixtures, "made/tiny-3x3-stack-u16.tif");

const scratch = mkdtempSync(join(tmpdir(), "denoise-inputs-"));
after(() => rmSync(scratch, { recursive: true }));

function folderOf(name: string, files: readonly string[]): string {
  const folder = join(scratch, name);
  mkdirSync(folder);
  for (const file of files) copyFileSync(stack, join(folder, file));
  return folder;
}

/** Whether a model was warmed up. */
const warmedUp = /warm-up/;

test("a folder stands for the images in it, not for our results, unfinished copies or what is below it", async () => {
  const folder = folderOf("folder", ["s10.tif", "s2.tif", "s1.denoised.ome.tif", "s3.tif.part", ".s4.tif"]);
  mkdirSync(join(folder, "below"));
  copyFileSync(stack, join(folder, "below/s5.tif"));
  mkdirSync(join(folder, "a-folder-named-like-an-image.tif"));
  writeFileSync(join(folder, "old.lof"), "");
  const { code, stdout, stderr } = await runHere(["denoise", "folder", "--model", identity], scratch);
  assert.equal(code, 0, stderr);
  assert.equal(stdout, "denoised/s2.denoised.ome.tif\ndenoised/s10.denoised.ome.tif\n");
  assert.match(stderr, /^folder: not read: old\.lof/m);
});

test("--skip-existing goes on where it was, and says how many it left out; without it the message names both ways", async () => {
  const folder = folderOf("again", ["a.tif", "b.tif"]);
  const args = ["denoise", folder, "--model", identity, "--out", join(scratch, "again-out")];
  assert.equal((await runHere(args)).code, 0);
  copyFileSync(stack, join(folder, "c.tif"));
  const on = await runHere([...args, "--skip-existing"]);
  assert.equal(on.code, 0, on.stderr);
  assert.equal(on.stdout, `${join(scratch, "again-out/c.denoised.ome.tif")}\n`);
  assert.match(on.stderr, /2 of 3 acquisitions skipped: their results exist/);
  const done = await runHere([...args, "--skip-existing"]);
  assert.equal(done.code, 0);
  assert.doesNotMatch(done.stderr, warmedUp, "no engine is started for nothing");
  const refused = await runHere(args);
  assert.equal(refused.code, 1);
  assert.equal(refused.stderr.match(/its result exists already.*--overwrite.*--skip-existing/g)?.length, 3);
  assert.doesNotMatch(refused.stderr, warmedUp);
});

test("the files of a set are one acquisition, done once, also where only a file beside them describes it", async () => {
  const set = join(scratch, "set");
  cpSync(join(fixtures, "series/ome-companion"), set, { recursive: true });
  const names = readdirSync(set).filter((name) => name.endsWith(".tiff"));
  const out = join(scratch, "set-out");
  const args = ["denoise", "--model", identity, "--out", out];
  const given = await runHere([...args, ...names.map((name) => `set/${name}`)], scratch);
  assert.equal(given.code, 0, given.stderr);
  assert.match(given.stderr, /^set\/multifile\.companion\.ome: 5 files are one acquisition$/m);
  assert.deepEqual(readdirSync(out), ["multifile.denoised.ome.tif"]);
  const whole = await runHere([...args, "set", "--overwrite"], scratch);
  assert.match(whole.stderr, /^set\/multifile\.companion\.ome: 6 files are one acquisition$/m);
  assert.deepEqual(readdirSync(out), ["multifile.denoised.ome.tif"]);
  // Named alone, a file of the set is meant alone.
  const alone = await runHere([...args, `set/${names[0]}`], scratch);
  assert.equal(alone.code, 0, alone.stderr);
  assert.equal(readdirSync(out).length, 2);
});

test("files by a pattern are one acquisition, whichever of them is given, and the others of a folder are what they are", async () => {
  const folder = join(scratch, "numbered");
  mkdirSync(folder);
  const names = ["a_T1_C1.tif", "a_T1_C2.tif", "a_T2_C1.tif", "a_T2_C2.tif"];
  for (const [index, name] of [...names, "alone.tif"].entries())
    writeFileSync(join(folder, name), buildTiff(numberedPages(2, 16, 16, index + 1)));
  const out = join(scratch, "numbered-out");
  const args = ["denoise", "--model", identity, "--out", out, "--pattern", "{name}_T{t}_C{c}.tif"];
  const { code, stderr } = await runHere([...args, folder]);
  assert.equal(code, 0, stderr);
  assert.match(stderr, /a_T1_C1\.tif: 4 files are one acquisition/);
  assert.deepEqual(readdirSync(out).sort(), ["a_T1_C1.denoised.ome.tif", "alone.denoised.ome.tif"]);
  const hashes = async (file: string, ...more: string[]): Promise<unknown> =>
    JSON.parse((await runHere(["info", file, "--hash", "--json", ...more])).stdout)[0].series[0].sha256;
  assert.equal(
    await hashes(join(out, "a_T1_C1.denoised.ome.tif")),
    await hashes(join(folder, "a_T2_C1.tif"), "--pattern", "{name}_T{t}_C{c}.tif"),
  );
  const wrong = await runHere([...args.slice(0, -1), "{name}.tif", folder]);
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /the pattern needs \{t\}, \{c\} or \{z\}/);
});

test("the result of files by a pattern is named after the first of them, whichever is given", async () => {
  const folder = join(scratch, "hole");
  mkdirSync(folder);
  const [first = "", ...others] = ["hole_T1_C1.tif", "hole_T2_C1.tif", "hole_T3_C1.tif"];
  for (const name of [first, ...others])
    writeFileSync(join(folder, name), buildTiff(numberedPages(2, 16, 16, 1)));
  const out = join(scratch, "hole-out");
  const args = ["denoise", "--model", identity, "--out", out, "--pattern", "{name}_T{t}_C{c}.tif"];
  const given = await runHere([...args, ...others.map((name) => join(folder, name))]);
  assert.equal(given.code, 0, given.stderr);
  assert.deepEqual(readdirSync(out), ["hole_T1_C1.denoised.ome.tif"]);
  // The folder is the same set, so it has its result.
  const again = await runHere([...args, folder]);
  assert.equal(again.code, 1);
  assert.match(again.stderr, /its result exists already/);
});

test("of a set that its description finds incomplete, no file is done alone; one that is named alone is", async () => {
  const folder = join(scratch, "planes");
  const { names } = await writeMicroManager(folder, { version: "2.0", t: 2, c: 2, z: 1 });
  rmSync(join(folder, names[3] ?? ""));
  const out = join(scratch, "planes-out");
  const args = ["denoise", "--model", identity, "--out", out];
  for (const given of [[folder], names.slice(0, 3).map((name) => join(folder, name))]) {
    const { code, stderr } = await runHere([...args, ...given]);
    assert.equal(code, 1);
    assert.match(stderr, /metadata\.txt: the set is incomplete/);
    assert.ok(!existsSync(out));
  }
  const alone = await runHere([...args, join(folder, names[0] ?? "")]);
  assert.equal(alone.code, 0, alone.stderr);
});

test("the files of a set with several images are one acquisition, and each image has a result, or the one that is meant", async () => {
  const folder = join(scratch, "master");
  mkdirSync(folder);
  for (const [name, bytes] of masterSet()) writeFileSync(join(folder, name), bytes);
  const { code, stdout, stderr } = await runHere(["denoise", folder, "--model", identity, "--explain"]);
  assert.equal(code, 0, stderr);
  assert.match(stderr, /m\.ome\.tif: 3 files are one acquisition: 2 images, each with a result of its own/);
  assert.deepEqual(stdout.match(/output: .*/g), [
    "output: denoised/m.denoised.ome.tif",
    "output: denoised/m.s1.denoised.ome.tif",
  ]);
  const one = await runHere(["denoise", folder, "--model", identity, "--explain", "--series", "1"]);
  assert.match(one.stderr, /m\.ome\.tif: 3 files are one acquisition: image 1 of 2, counted from 0/);
  assert.deepEqual(one.stdout.match(/output: .*/g), ["output: denoised/m.s1.denoised.ome.tif"]);
});

test("all that is wrong is told at once, as it was written, before a model is warmed up", async () => {
  folderOf("bad", ["a.tif"]);
  mkdirSync(join(scratch, "bad/empty"));
  writeFileSync(join(scratch, "bad/text.tif"), "not an image\n");
  const { code, stderr } = await runHere(
    [
      "denoise",
      "a.tif",
      "gone.tif",
      "./empty",
      "text.tif",
      "--model",
      "no-model",
      "--channel",
      "1=none",
      "--out",
      "a.tif/out",
    ],
    join(scratch, "bad"),
  );
  assert.equal(code, 2);
  for (const said of [
    /^cnnt-edge: gone\.tif: there is no such file/m,
    /^cnnt-edge: \.\/empty: the folder holds no image that cnnt-edge reads/m,
    /^cnnt-edge: text\.tif: this is text, not an image/m,
    /^cnnt-edge: no-model: there is no such model folder/m,
    /^cnnt-edge: none: there is no such model folder/m,
    /^cnnt-edge: a\.tif\/out: the folder for results cannot be made/m,
  ]) {
    assert.match(stderr, said);
  }
  assert.equal(stderr.trim().split("\n").length, 6, stderr);
  assert.equal(existsSync(join(scratch, "bad/denoised")), false);
});

test("messages and results are named as the person wrote them", async () => {
  folderOf("named", ["a.tif"]);
  const args = ["denoise", "./named/../named/a.tif", "--model", identity, "--out", "./named-out"];
  const { stdout, stderr } = await runHere(args, scratch);
  assert.equal(stdout, "named-out/a.denoised.ome.tif\n");
  assert.ok(!stderr.includes(scratch), stderr);
});
