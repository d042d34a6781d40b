import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { calibrationSchema } from "../../calibration/result.ts";

const root = join(import.meta.dirname, "../..");
const program = join(root, "bin/cnnt-edge.js");
const identity = join(root, "models/identity");
const folder = mkdtempSync(join(tmpdir(), "calibrate-"));
const repeats = join(folder, "repeats");

function run(...args: readonly string[]) {
  return spawnSync(program, args, { encoding: "utf8" });
}

before(() => {
  const made = spawnSync(
    process.execPath,
    ["--import", "tsx", "bench/simulated-repeats.ts", folder, "--count", "8", "--shape", "2,64,64"],
    { cwd: root, encoding: "utf8" },
  );
  assert.equal(made.status, 0, made.stderr);
});

after(() => rmSync(folder, { recursive: true }));

test("one command makes the whole report, and says that the identity does nothing", () => {
  const out = join(folder, "report");
  const { status, stdout, stderr } = run(
    "calibrate",
    repeats,
    "--model",
    identity,
    "--out",
    out,
    "--target",
    "as-good-as=4",
  );
  assert.equal(status, 0, stderr);
  assert.match(stdout, /^No/);
  assert.deepEqual(readdirSync(out).sort(), [
    "calibration.csv",
    "calibration.html",
    "calibration.json",
    "calibration.png",
  ]);
  const result = calibrationSchema.parse(JSON.parse(readFileSync(join(out, "calibration.json"), "utf8")));
  assert.deepEqual(
    result.levels.map(({ averages, verdicts }) => [averages, verdicts[0]?.verdict]),
    [
      [1, "unchanged"],
      [2, "unchanged"],
      [4, "unchanged"],
    ],
  );
  for (const { averages, denoised } of result.levels) {
    const worth = denoised.worth_scans ?? assert.fail();
    assert.ok((worth.low ?? 0) < 1.1 * averages && 0.9 * averages < (worth.high ?? Number.POSITIVE_INFINITY));
  }
  const html = readFileSync(join(out, "calibration.html"), "utf8");
  assert.match(html, /<svg/);
  assert.doesNotMatch(html, /(src|href)="(?!data:)/, "the report needs nothing beside it");
  assert.equal(readFileSync(join(out, "calibration.csv"), "utf8").split("\r\n").length, 1 + 2 * 3 + 1);
});

test("a pair tells what can be said of it, and what cannot", () => {
  const { status, stdout, stderr } = run(
    "calibrate",
    "--low",
    join(repeats, "scan-001.ome.tif"),
    "--high",
    join(folder, "truth.ome.tif"),
    "--model",
    identity,
    "--out",
    join(folder, "pair"),
  );
  assert.equal(status, 0, stderr);
  assert.match(stdout, /What cannot be said: the error against the truth/);
});

test("goes on where it was interrupted", async () => {
  const out = join(folder, "interrupted");
  const child = spawn(program, ["calibrate", repeats, "--model", identity, "--out", out], {
    stdio: "ignore",
  });
  const work = join(out, "calibration-work");
  const finished = () =>
    existsSync(work) && readdirSync(work).some((name) => /^denoised-.*\.ome\.tif$/.test(name));
  while (!finished() && child.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 10));
  child.kill("SIGINT");
  const [code] = await once(child, "exit");
  assert.equal(code, 130);
  assert.ok(!existsSync(join(out, "calibration.html")));
  assert.ok(finished(), "what was denoised is kept");
  const again = run("calibrate", repeats, "--model", identity, "--out", out, "--json");
  assert.equal(again.status, 0, again.stderr);
  assert.equal(calibrationSchema.parse(JSON.parse(again.stdout)).levels.length, 3);
  assert.ok(!existsSync(work), "nothing is left behind in the end");
});

test("wrong uses are told what would be right", () => {
  for (const [args, message] of [
    [["calibrate"], /must be clear what the repeats are/],
    [["calibrate", repeats, "--target", "ssim=0.9"], /SSIM is lowered by the noise of the reference/],
    [["calibrate", join(repeats, "scan-001.ome.tif")], /single image cannot be calibrated with/],
    [["calibrate", join(folder, "nothing")], /no such file or folder/],
  ] as const) {
    const { status, stderr } = run(...args);
    assert.equal(status, 2);
    assert.match(stderr, message);
  }
});
