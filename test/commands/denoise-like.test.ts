import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { PassThrough } from "node:stream";
import { after, before, test } from "node:test";
import { Command } from "commander";
import { defineDenoise } from "../../bin/commands/denoise.ts";
import { noEngine } from "./no-engine.ts";
import { runHere } from "./run-command.ts";

const root = resolve(import.meta.dirname, "../..");
const identity = join(root, "models/identity");
const scratch = mkdtempSync(join(tmpdir(), "like-"));
after(() => rmSync(scratch, { recursive: true }));

const source = join(scratch, "simulated-0001.ome.tif");
before(async () => {
  const { code, stderr } = await runHere(["simulate", "--out", scratch, "--shape", "1,2,6,40,36"]);
  assert.equal(code, 0, stderr);
});

async function denoised(name: string, ...options: string[]): Promise<string> {
  const out = join(scratch, name);
  const { code, stderr, stdout } = await runHere(["denoise", source, "--out", out, ...options]);
  assert.equal(code, 0, stderr);
  return stdout.trim();
}

const small = ["--tile", "4,32,32", "--overlap", "1,8,8"];
const kinds: Readonly<Record<string, readonly string[]>> = {
  "with the package's tiles, compressed": ["--compression", "zstd"],
  "with the published tiling, as float32, with one thread": [
    ...small,
    "--tiling",
    "published",
    "--dtype",
    "float32",
    "--threads",
    "1",
  ],
  "in small tiles, without normalization, with one channel copied": [
    ...small,
    "--normalization",
    "none",
    "--channel",
    "1=pass",
  ],
};

for (const [kind, options] of Object.entries(kinds)) {
  test(`a result made ${kind} is made again from what it states, and every sample is the same`, async () => {
    const result = await denoised(kind.replaceAll(/\W/g, "-"), ...options);
    const { code, stdout, stderr } = await runHere(["denoise", "--like", result, source]);
    assert.equal(code, 0, stderr + stdout);
    assert.match(stdout, /: equal, every sample \(cpu, threads: \d+\)\n$/);
    assert.deepEqual(readdirSync(join(result, "..")).length, 1, "nothing is left beside the result");
  });
}

test("a result of two models is made again with both", async () => {
  const result = await denoised("two", "--channel", `1=${identity}`);
  const alone = await runHere(["denoise", "--like", result, source]);
  assert.equal(alone.code, 2);
  assert.match(alone.stderr, /made with another model/);
  const both = await runHere(["denoise", "--like", result, source, "--channel", `1=${identity}`]);
  assert.equal(both.code, 0, both.stderr + both.stdout);
});

test("a result with another sample somewhere is told as different, with the place", async () => {
  const result = await denoised("other", "--model", identity);
  const changed = join(scratch, "changed.ome.tif");
  copyFileSync(result, changed);
  const { open } = await import("node:fs/promises");
  const file = await open(changed, "r+");
  // The samples begin behind the header of 8 or 16 bytes: this is in the first plane.
  await file.write(Buffer.from([0xff, 0xff]), 0, 2, 400);
  await file.close();
  const { code, stdout } = await runHere(["denoise", "--like", changed, source, "--model", identity]);
  assert.equal(code, 1);
  assert.match(stdout, /different: 1 of \d+ samples, the first at t 0, c 0, z 0, y \d+, x \d+/);
});

test("a folder in which nothing can be made is told in a line, and the result's file is closed", async () => {
  const result = await denoised("unwritable", "--model", identity);
  // In this folder of links not even root can make anything.
  const { open, readdir, readlink } = await import("node:fs/promises");
  const file = await open(result);
  try {
    const link = `/proc/self/fd/${file.fd}`;
    const { code, stderr } = await runHere(["denoise", "--like", link, source, "--model", identity]);
    assert.equal(code, 1);
    assert.match(stderr, /does not exist|not permitted|could not be written/);
    assert.doesNotMatch(stderr, /internal|defect|^\s+at /m);
    const places = await Promise.all(
      (await readdir("/proc/self/fd")).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => "")),
    );
    assert.equal(places.filter((place) => place === result).length, 1);
  } finally {
    await file.close();
  }
});

test("another source, a file that is no result, and two sources are refused in a line", async () => {
  const result = await denoised("refused", "--model", identity);
  const other = await runHere(["denoise", "--like", result, result, "--model", identity]);
  assert.match(other.stderr, /made from another source/);
  const none = await runHere(["denoise", "--like", source, source]);
  assert.match(none.stderr, /no result from which the job can be made again/);
  const two = await runHere(["denoise", "--like", result, source, source]);
  assert.match(two.stderr, /--like takes one source/);
  for (const { stderr } of [other, none, two]) {
    assert.doesNotMatch(stderr, /^\s+at /m);
  }
  assert.deepEqual([other.code, none.code, two.code], [2, 1, 2]);
});

/** The command alone, which throws what is wrong with its options. */
function denoiseCommand(): Command {
  const program = new Command();
  const silent = new PassThrough();
  defineDenoise(
    program,
    { stdout: silent, stderr: silent, signal: AbortSignal.abort(), startEngine: noEngine },
    () => Promise.resolve(),
  );
  const [command] = program.commands;
  assert.ok(command !== undefined);
  return command.exitOverride().configureOutput({ writeErr: () => undefined });
}

test("each option that --like has no use for is refused beside it", () => {
  const used = ["--like", "--model", "--channel", "--provider", "--threads"];
  const unused = denoiseCommand().options.filter(({ long }) => !used.includes(long ?? ""));
  assert.ok(unused.length > 10);
  const values: Readonly<Record<string, string>> = {
    "--tile": "4,32,32",
    "--overlap": "1,8,8",
    "--memory-limit": "1GB",
    "--pattern": "{name}_T{t}.tif",
  };
  for (const { long, required, argChoices } of unused) {
    const name = long ?? "";
    const given = required ? [name, argChoices?.[0] ?? values[name] ?? "0"] : [name];
    assert.throws(
      () => denoiseCommand().parse(["--like", "result", "source", ...given], { from: "user" }),
      { code: "commander.conflictingOption" },
      name,
    );
  }
});
