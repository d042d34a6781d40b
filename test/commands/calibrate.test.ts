import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { calibrationSchema } from "../../calibration/result/result.ts";
import { normalOf, randomOf } from "../../calibration/simulation/random.ts";
import { encodeNpy } from "../../formats/npy.ts";
import { runHere } from "./run-command.ts";

const root = join(import.meta.dirname, "../..");
const program = join(root, "bin/cnnt-edge.js");
const identity = join(root, "models/identity");
const folder = mkdtempSync(join(tmpdir(), "calibrate-"));
const repeats = join(folder, "repeats");

async function run(...args: readonly string[]) {
  const { code, ...said } = await runHere(args);
  return { status: code, ...said };
}

before(async () => {
  const made = await run("simulate", "--out", folder, "--repeats", "8", "--shape", "2,64,64", "--clean");
  assert.equal(made.status, 0, made.stderr);
});

after(() => rmSync(folder, { recursive: true }));

test("one command makes the whole report, and says that the identity does nothing", async () => {
  const out = join(folder, "report");
  const { status, stdout, stderr } = await run(
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
  assert.match(html, /PSNR: as is, no gain or offset is fitted; .* naive: /);
  assert.match(
    html,
    /slope: means of blocks of the denoised image against those of the mean of the references/,
  );
  assert.doesNotMatch(html, /(src|href)="(?!data:)/, "the report needs nothing beside it");
  assert.equal(readFileSync(join(out, "calibration.csv"), "utf8").split("\r\n").length, 1 + 2 * 3 + 1);
});

test("repeats that drift leaves out are told in the terminal, near the top of the report and in the JSON, with the reason", async () => {
  const [drifting, out] = [join(folder, "drifting"), join(folder, "drift-report")];
  const made = await run(
    "simulate",
    "--out",
    drifting,
    "--drift",
    "0.5",
    "--repeats",
    "6",
    "--shape",
    "1,64,64",
  );
  assert.equal(made.status, 0, made.stderr);
  const told = await run("calibrate", join(drifting, "repeats"), "--model", identity, "--out", out);
  assert.equal(told.status, 0, told.stderr);
  const result = calibrationSchema.parse(JSON.parse(readFileSync(join(out, "calibration.json"), "utf8")));
  const { left_out: leftOut, left_out_because: because } = result.drift;
  assert.ok(leftOut.length > 0, "this drift leaves repeats out");
  assert.equal(result.images, 6 - leftOut.length);
  assert.match(because ?? "", /^drift: after whole pixels were undone .* off by more than \d\.\d\d pixels/);
  const sentence = `${leftOut.length} of 6 repeats are left out (${leftOut.join(", ")}) for ${because}.`;
  assert.equal(told.stdout.split("\n")[1], sentence);
  const html = readFileSync(join(out, "calibration.html"), "utf8");
  assert.ok(
    html.indexOf(sentence) > 0 && html.indexOf(sentence) < html.indexOf("The evidence"),
    "near the top",
  );
  assert.ok(html.includes(`${result.images} of 6 repeats (the others are left out)`));
});

test("a broker that is away is told in the words of a calibration, which goes on", async () => {
  const { status, stdout, stderr } = await run(
    ...["calibrate", repeats, "--model", identity, "--draws", "1", "--out", join(folder, "no-broker")],
    // Nothing listens on port 9 of this machine.
    ...["--mqtt", "mqtt://127.0.0.1:9", "--instance", "scope"],
  );
  assert.equal(status, 0, stderr);
  assert.match(
    stderr,
    /warning: the MQTT broker is not connected .*\. Check the broker, its address and the user\. The calibration goes on/,
  );
  assert.doesNotMatch(stderr, /tries again|jobs go on/i);
  assert.match(stdout, /calibration\.html/);
});

test("metadata beside the repeats is left out, and calibrate says so", async () => {
  const dir = join(folder, "with-metadata");
  cpSync(repeats, dir, { recursive: true });
  writeFileSync(join(dir, "bpae.json"), "{}");
  const { status, stderr } = await run(
    ...["calibrate", dir, "--model", identity, "--out", join(folder, "from-metadata"), "--draws", "1"],
  );
  assert.equal(status, 0, stderr);
  assert.match(
    stderr,
    /with-metadata: 1 file is left out, because it is not named like an image: bpae\.json/,
  );
});

test("a pair tells what can be said of it, and what cannot", async () => {
  const { status, stdout, stderr } = await run(
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
  assert.match(stdout, /The error against the truth is unknown/);
});

/** Names of kept stacks, and what tells each file from another one of the same name. */
function stacksIn(work: string): ReadonlyMap<string, string> {
  const names = readdirSync(work).filter((name) => /^denoised-.*\.ome\.tif$/.test(name));
  return new Map(
    names.map((name) => {
      const { ino, mtimeMs } = statSync(join(work, name));
      return [name, `${ino} ${mtimeMs}`];
    }),
  );
}

test("goes on where it was interrupted, and does not denoise again what was kept", async () => {
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
  const kept = stacksIn(work);
  assert.ok(kept.size > 0, "what was denoised is kept");
  const again = await run("calibrate", repeats, "--model", identity, "--out", out, "--keep-work");
  assert.equal(again.status, 0, again.stderr);
  const all = stacksIn(work);
  assert.ok(all.size > kept.size, "the rest was denoised");
  // A stack that is denoised again is a new file under the same name.
  for (const [name, file] of kept) assert.equal(all.get(name), file, `${name} is the file of the first run`);

  const first = calibrationSchema.parse(JSON.parse(readFileSync(join(out, "calibration.json"), "utf8")));
  const last = await run("calibrate", repeats, "--model", identity, "--out", out, "--json");
  assert.equal(last.status, 0, last.stderr);
  const result = calibrationSchema.parse(JSON.parse(last.stdout));
  assert.equal(result.provider, "cached", "nothing was run");
  assert.deepEqual(result.levels, first.levels);
  assert.ok(!existsSync(work), "nothing is left behind in the end");
});

test("wrong uses are told what would be right", async () => {
  for (const [args, message] of [
    [["calibrate"], /say in exactly one way what the repeats are/],
    [["calibrate", repeats, "--target", "ssim=0.9"], /the reference's own noise lowers SSIM/i],
    [["calibrate", join(repeats, "scan-001.ome.tif")], /one image is not enough for a calibration/],
    [["calibrate", join(folder, "nothing")], /no such file or folder/],
  ] as const) {
    const { status, stderr } = await run(...args);
    assert.equal(status, 2);
    assert.match(stderr, message);
  }
});

/** `count` images of two blobs at an exposure: noise of so many photons, brighter by as much. */
function writeExposures(dir: string, exposure: number, count: number, seed: number): void {
  mkdirSync(dir, { recursive: true });
  const normal = normalOf(randomOf(seed));
  const blob = (x: number, y: number, size: number): number => Math.exp(-(x * x + y * y) / size);
  for (let image = 0; image < count; image += 1) {
    const data = Float32Array.from({ length: 96 * 96 }, (_, i) => {
      const [x, y] = [i % 96, Math.floor(i / 96)];
      const photons = exposure * (20 + 60 * blob(x - 50, y - 40, 200) + 50 * blob(x - 25, y - 70, 60));
      return 100 + 2 * (photons + Math.sqrt(photons) * normal());
    });
    writeFileSync(join(dir, `${image}.npy`), encodeNpy({ shape: [96, 96], data }));
  }
}

test("levels of different exposure are brought to one brightness, and the mosaic's time is told", async () => {
  const levels = [1, 2, 4, 8];
  const dirs = levels.map((level) => join(folder, `exposure-${level}`));
  for (const [k, level] of levels.entries()) writeExposures(dirs[k] ?? "", level, level === 8 ? 2 : 1, level);
  const out = join(folder, "exposures");
  const { status, stderr } = await run(
    "calibrate",
    ...levels.flatMap((level, k) => ["--level", `${level}=${dirs[k]}`]),
    ...[
      "--offset",
      "100",
      "--gain",
      "2",
      "--scan-time",
      "2",
      "--overhead",
      "1",
      "--fields",
      "25",
      "--channels",
      "5",
    ],
    ...["--target", "as-good-as=4", "--model", identity, "--out", out],
  );
  assert.equal(status, 0, stderr);
  const result = calibrationSchema.parse(JSON.parse(readFileSync(join(out, "calibration.json"), "utf8")));
  assert.equal(result.bleaching.factors.length, 5);
  for (const [k, factor] of result.bleaching.factors.entries()) {
    assert.ok(Math.abs(factor / ([1, 2, 4, 8, 8][k] ?? 0) / 0.125 - 1) < 0.02, `${result.bleaching.factors}`);
  }
  assert.equal(result.unit, "photon");
  // 25 fields, 5 channels, 1 s and four scans of 2 s each.
  assert.equal(result.answer.mosaic_time_before_s, 25 * 5 * (1 + 4 * 2));
});

test("a missing model, input and folder are told together, before the repeats are looked at", async () => {
  const { status, stderr } = await run(
    ...[
      "calibrate",
      repeats,
      "gone",
      "--model",
      "no-model",
      "--out",
      join(repeats, "scan-001.ome.tif", "out"),
    ],
  );
  assert.equal(status, 2);
  assert.match(stderr, /^cnnt-edge: gone: there is no such file or folder/m);
  assert.match(stderr, /^cnnt-edge: no-model: there is no such model folder/m);
  assert.match(stderr, /out: the folder for results cannot be made/);
  assert.doesNotMatch(stderr, /looking at the repeats/);
});
