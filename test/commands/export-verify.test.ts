import assert from "node:assert/strict";
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { parse, stringify } from "yaml";
import { randomOf } from "../../calibration/simulation/random.ts";
import { statementHash, statementHashKey } from "../../export/package/statement-hash.ts";
import { encodeNpy } from "../../formats/npy.ts";
import { cnntFixture, cnntFixtures, sharedMissing } from "../export/cnnt-fixtures.ts";
import { runHere } from "./run-command.ts";

const scratch = mkdtempSync(join(tmpdir(), "export-"));
after(() => rmSync(scratch, { recursive: true }));

const fixtures = cnntFixtures();

for (const fixture of fixtures) {
  test(`export and verify reproduce the published output (${fixture.name})`, async () => {
    const out = await exportOf(fixture, fixture.name);
    assert.notEqual(fixture.pairs.length, 0);
    for (const pair of fixture.pairs.slice(0, 1)) {
      const verified = await runHere([
        "verify",
        out,
        "--input",
        pair.input,
        "--expected",
        pair.output,
        "--atol",
        "1e-4",
        "--rtol",
        "0",
      ]);
      assert.equal(verified.code, 0, verified.stderr);
      assert.match(verified.stdout, /given pair: right/);
    }
  });
}

test("all published fixtures ran", { skip: sharedMissing }, () => {
  assert.ok(fixtures.length >= 12, `${fixtures.length}`);
});

const fixture = cnntFixture("four-level");
const [pair] = fixture.pairs;
assert.ok(pair !== undefined);
const given = ["--input", pair.input, "--expected", pair.output];

let plain: Promise<string> | undefined;

/** A package of the fixture that its test may change. Without more options it is a copy of one that was exported once. */
async function exportTo(name: string, ...more: string[]): Promise<string> {
  if (more.length > 0) return exportOf(fixture, name, ...more);
  plain ??= exportOf(fixture, "plain");
  const out = join(scratch, name);
  cpSync(await plain, out, { recursive: true });
  return out;
}

async function exportOf(
  { weights, config }: Pick<typeof fixture, "weights" | "config">,
  name: string,
  ...more: string[]
): Promise<string> {
  const out = join(scratch, name);
  const result = await runHere(["export", weights, "--config", config, "--no-cover", "--out", out, ...more]);
  assert.equal(result.code, 0, result.stderr);
  return out;
}

/** Replaces bytes in model.onnx and makes the description agree, as somebody would who rebuilt the file wrongly. */
async function tamper(dir: string, change: (model: Buffer) => void): Promise<void> {
  const { createHash } = await import("node:crypto");
  const file = join(dir, "model.onnx");
  const model = readFileSync(file);
  change(model);
  writeFileSync(file, model);
  rewrite(dir, (rdf) => {
    rdf.weights.onnx.sha256 = createHash("sha256").update(model).digest("hex");
  });
}

/** Where the raw bytes of a named initializer begin: its name (field 8), then raw_data (field 9) with its length. */
function tensorOffset(model: Buffer, name: string): number {
  const at = model.indexOf(
    Buffer.concat([Buffer.from([0x42, name.length]), Buffer.from(name), Buffer.from([0x4a])]),
  );
  assert.notEqual(at, -1, name);
  let data = at + 2 + name.length + 1;
  while ((model[data] ?? 0) & 0x80) data += 1;
  return data + 1;
}

test("half precision stays within 2 % of the output's deviation, and the package tells other tools so", async () => {
  const dir = await exportTo("half", "--precision", "fp16");
  const rdf = parse(readFileSync(join(dir, "rdf.yaml"), "utf8")) as {
    config: {
      cnnt_edge: { test_tolerance: number };
      bioimageio: { reproducibility_tolerance: { absolute_tolerance: number }[] };
    };
  };
  const [stated] = rdf.config.bioimageio.reproducibility_tolerance;
  assert.equal(stated?.absolute_tolerance, rdf.config.cnnt_edge.test_tolerance);
  const verified = await runHere(["verify", dir, ...given, "--atol", "10", "--json"]);
  assert.equal(verified.code, 0, verified.stderr);
  const { results } = JSON.parse(verified.stdout) as {
    results: { largestDifference: number; expectedDeviation: number }[];
  };
  assert.equal(results.length, 2);
  for (const { largestDifference, expectedDeviation } of results) {
    assert.ok(largestDifference <= 0.02 * expectedDeviation, `${largestDifference} of ${expectedDeviation}`);
    // Were it computed in single precision after all, it would be a hundred times closer.
    assert.ok(largestDifference > 1e-4 * expectedDeviation, `${largestDifference}`);
  }
});

test("a graph of one fixed shape is right by the size of what comes out, and the package says the shape", async () => {
  const out = join(scratch, "fixed-shape");
  const checkpoint = join(import.meta.dirname, "../fixtures/checkpoints/average-beside");
  // These random weights give values of some tens, whose float32 digits are coarser than 1e-4.
  const which = [
    "--config",
    `${checkpoint}.json`,
    "--state-dict",
    "ema",
    "--static",
    "4,64,64",
    "--no-cover",
  ];
  const exported = await runHere(["export", `${checkpoint}.pt`, ...which, "--out", out]);
  assert.equal(exported.code, 0, exported.stderr);
  const card = parse(readFileSync(join(out, "rdf.yaml"), "utf8")) as {
    config: { cnnt_edge: { fixed_shape: number[] } };
  };
  assert.deepEqual(card.config.cnnt_edge.fixed_shape, [4, 64, 64]);
  const verified = await runHere(["verify", out]);
  assert.equal(verified.code, 0, verified.stderr);
});

test("verify catches one wrong weight", async () => {
  const dir = await exportTo("wrong-weight");
  await tamper(dir, (model) => {
    const at = tensorOffset(model, "cnnt.up1.blocks.0.mlp.0.conv2d.weight");
    model.writeFloatLE(model.readFloatLE(at + 400) + 0.5, at + 400);
  });
  const result = await runHere(["verify", dir]);
  assert.equal(result.code, 1);
  assert.match(
    result.stderr,
    /the model does not compute what it should .*a difference of .*Do not use this package here/,
  );
  assert.equal(result.stderr.trim().split("\n").length, 1);
});

test("verify catches two swapped tensors of one shape", async () => {
  const dir = await exportTo("swapped");
  await tamper(dir, (model) => {
    const first = tensorOffset(model, "cnnt.down1.blocks.0.attn.output_proj.conv2d.weight");
    const second = tensorOffset(model, "cnnt.down2.blocks.0.attn.output_proj.conv2d.weight");
    const bytes = 8 * 8 * 9 * 4;
    const kept = Buffer.from(model.subarray(first, first + bytes));
    model.copy(model, first, second, second + bytes);
    kept.copy(model, second);
  });
  const result = await runHere(["verify", dir]);
  assert.equal(result.code, 1);
  assert.match(result.stderr, /does not compute what it should/);
});

test("verify catches a wrong head count by the lab's own pair", async () => {
  const dir = await exportTo("wrong-heads", "--heads", "4");
  const result = await runHere(["verify", dir, ...given, "--atol", "1e-4", "--rtol", "0"]);
  assert.equal(result.code, 1);
  assert.match(result.stderr, /does not compute what it should/);
});

test("verify catches a model.onnx that is not the one described", async () => {
  const dir = await exportTo("damaged");
  const model = readFileSync(join(dir, "model.onnx"));
  model[model.length >> 1] = (model[model.length >> 1] ?? 0) ^ 1;
  writeFileSync(join(dir, "model.onnx"), model);
  const result = await runHere(["verify", dir]);
  assert.equal(result.code, 1);
  assert.match(result.stderr, /not the one that the description names/);
});

test("what the weights cannot tell is asked for by name, with what is possible", async () => {
  const weights = join(scratch, "alone.pt");
  cpSync(fixture.weights, weights);
  const bare = await runHere(["export", weights, "--out", join(scratch, "x")]);
  assert.equal(bare.code, 2);
  assert.match(bare.stderr, /how training scaled intensities .*--normalization/);
  const scaled = [
    "export",
    weights,
    "--out",
    join(scratch, "x"),
    "--normalization",
    "fixed:0,4096",
    "--intensity",
    "preserved",
  ];
  const noHeads = await runHere(scaled);
  assert.equal(noHeads.code, 2);
  assert.match(noHeads.stderr, /attention heads .*one of 1, 2, 4, 8.*--heads/);
  const noResidual = await runHere([...scaled, "--heads", "8"]);
  assert.match(noResidual.stderr, /--residual \/ --no-residual/);
  const whole = await runHere([...scaled, "--heads", "8", "--residual", "--no-cover"]);
  assert.equal(whole.code, 0, whole.stderr);
});

test("a package that exists is replaced only when asked, and nothing half-written stays", async () => {
  const dir = await exportTo("twice");
  const again = await runHere(["export", fixture.weights, "--config", fixture.config, "--out", dir]);
  assert.equal(again.code, 2);
  assert.match(again.stderr, /the output exists already.*--force/);
  const forced = await runHere([
    "export",
    fixture.weights,
    "--config",
    fixture.config,
    "--no-cover",
    "--out",
    dir,
    "--force",
  ]);
  assert.equal(forced.code, 0, forced.stderr);
  assert.deepEqual(
    readdirSync(scratch).filter((name) => name.startsWith(".")),
    [],
  );
});

for (const [what, name, pattern] of [
  ["a missing checkpoint", "/nowhere/weights.pt", /there is no such file.*\.pt/],
  ["a folder", scratch, /this is a folder, not a checkpoint/],
  ["text", import.meta.filename, /not a checkpoint that cnnt-edge reads/],
] as const) {
  test(`export refuses ${what} in one line`, async () => {
    const result = await runHere([
      "export",
      name,
      "--out",
      join(scratch, "never"),
      "--config",
      fixture.config,
    ]);
    assert.ok(result.code === 1 || result.code === 2);
    assert.match(result.stderr, pattern);
    assert.equal(result.stderr.trim().split("\n").length, 1);
  });
}

/** A field of stripes, and the same with noise and in other units. */
function writePair(dir: string, name: string, gain: number): void {
  const shape = [2, 64, 64];
  const clean = Float32Array.from({ length: 2 * 64 * 64 }, (_, i) => 500 + 300 * Math.sin((i % 64) / 5));
  const random = randomOf(3);
  const noisy = clean.map((value) => gain * (value + 200 * (random() - 0.5)));
  writeFileSync(join(dir, `${name}-clean.npy`), encodeNpy({ shape, data: clean }));
  writeFileSync(join(dir, `${name}-noisy.npy`), encodeNpy({ shape, data: noisy }));
}

test("a pair of constant images is refused, and no package is left", async () => {
  const dir = mkdtempSync(join(scratch, "constant-"));
  const image = encodeNpy({ shape: [2, 64, 64], data: new Float32Array(2 * 64 * 64).fill(500) });
  for (const name of ["a-noisy.npy", "a-clean.npy"]) writeFileSync(join(dir, name), image);
  const out = join(scratch, "with-constant-pairs");
  const { weights, config } = fixture;
  const result = await runHere(["export", weights, "--config", config, "--pairs", dir, "--out", out]);
  assert.notEqual(result.code, 0);
  assert.match(result.stderr, /a-noisy\.npy: .*are not a pair \(a; found one of the two is constant/);
  assert.ok(!existsSync(out));
});

test("pairs of images tell what intensities mean, what is gained, and make the cover", async () => {
  const dir = mkdtempSync(join(scratch, "pairs-"));
  writePair(dir, "a", 1);
  writePair(dir, "b", 2);
  const out = join(scratch, "with-pairs");
  const { weights, config } = fixture;
  const result = await runHere(["export", weights, "--config", config, "--pairs", dir, "--out", out]);
  assert.equal(result.code, 0, result.stderr);
  assert.match(result.stderr, /pair 2 of 2: b/);
  assert.match(result.stdout, /^intensities: \w+: \S/m);
  assert.match(result.stdout, /^intensity slope: median \S+ .* over 2 pairs of noisy and clean images/m);
  assert.match(
    result.stdout,
    /^PSNR gained: median \S+ dB .* over 2 pairs: PSNR of the denoised minus that of the noisy/m,
  );
  // These weights are random.
  assert.match(
    result.stderr,
    /warning: on these pairs the model makes images worse: PSNR falls by \d+\.\d dB \(median of 2 pairs\)\. .*Train it further/,
  );
  const rdf = parse(readFileSync(join(out, "rdf.yaml"), "utf8")) as {
    covers: string[];
    config: {
      cnnt_edge: {
        pairs: { count: number; slope: { median: number; min: number; max: number }; on: string };
        noise_range: number[];
        intensity: { meaning: string };
      };
    };
  };
  assert.deepEqual(rdf.covers, ["cover.png"]);
  const { pairs, noise_range: noise, intensity } = rdf.config.cnnt_edge;
  assert.equal(pairs.count, 2);
  const { median, min, max } = pairs.slope;
  assert.ok(min <= median && median <= max, JSON.stringify(pairs.slope));
  assert.equal(pairs.on, "a, b");
  // The card tells the way back, gain for gain.
  const told = [...readFileSync(join(out, "README.md"), "utf8").matchAll(/^\| [ab] \|.*\| (-?[\d.]+) \|$/gm)];
  const gains = told.map(([, gain]) => Number(gain));
  for (const slope of [min, max]) {
    assert.ok(
      gains.some((gain) => Math.abs(gain - 1 / slope) < 0.001),
      `${gains} for a slope of ${slope}`,
    );
  }
  assert.ok((noise[0] ?? 0) > 0.02 && (noise[1] ?? 0) < 1, `${noise}`);
  const card = readFileSync(join(out, "README.md"), "utf8");
  assert.match(card, new RegExp(`Intensities are ${intensity.meaning}`));
  assert.match(card, /\| a \| \d+\.\d\d \| \d+\.\d\d \|/);
  assert.ok(readFileSync(join(out, "cover.png")).length > 1000);
  assert.equal((await runHere(["verify", out])).code, 0);
});

test("an export without pairs says that nothing was measured, and how it can be", async () => {
  const { weights, config } = fixture;
  const out = join(scratch, "without-pairs");
  const result = await runHere(["export", weights, "--config", config, "--no-cover", "--out", out]);
  assert.equal(result.code, 0, result.stderr);
  assert.match(result.stdout, /^intensities: \w+/m);
  assert.match(
    result.stdout,
    /^PSNR gained: not measured\. --pairs DIR measures it on noisy and clean images$/m,
  );
  assert.doesNotMatch(result.stderr, /warning/);
});

/** Makes a description agree with itself again, hash and all, as somebody might who edits it by hand. */
function rewrite(dir: string, change: (rdf: Described) => void): void {
  const file = join(dir, "rdf.yaml");
  const rdf = parse(readFileSync(file, "utf8")) as Described;
  change(rdf);
  rdf.config[statementHashKey] = statementHash(rdf as unknown as Record<string, unknown>);
  writeFileSync(file, stringify(rdf));
}

interface Described {
  weights: { onnx: { sha256: string } };
  inputs: { preprocessing: unknown[] }[];
  config: Record<string, unknown> & { cnnt_edge: { normalization: { clip: boolean; high: number } } };
}

test("the test scene leaves the range: a package that clips where its export did not is wrong", async () => {
  const dir = await exportTo("no-clip", "--normalization", "fixed:0,4096", "--intensity", "preserved");
  const right = await runHere(["verify", dir]);
  assert.equal(right.code, 0, right.stderr);
  assert.match(right.stdout, /own test tensors: right within 0\.0\d+ \(largest difference/);
  rewrite(dir, (rdf) => {
    rdf.config.cnnt_edge.normalization.clip = !rdf.config.cnnt_edge.normalization.clip;
    if (rdf.config.cnnt_edge.normalization.clip) {
      rdf.inputs[0]?.preprocessing.push({ id: "clip", kwargs: { min: 0, max: 1 } });
    } else rdf.inputs[0]?.preprocessing.pop();
  });
  const wrong = await runHere(["verify", dir]);
  assert.equal(wrong.code, 1);
  assert.match(wrong.stderr, /does not compute what it should/);
});

test("a package without a hash over its settings is run, but verify does not call it right", async () => {
  const dir = await exportTo("of-an-earlier-version");
  const file = join(dir, "rdf.yaml");
  const { config, ...rest } = parse(readFileSync(file, "utf8")) as { config: Record<string, unknown> };
  const { [statementHashKey]: _, ...others } = config;
  writeFileSync(file, stringify({ ...rest, config: others }));
  const result = await runHere(["verify", dir]);
  assert.equal(result.code, 1);
  assert.doesNotMatch(result.stdout, /: right/);
  assert.match(result.stderr, /settings are not under a hash .*Export it again/);
  const json = await runHere(["verify", dir, "--json"]);
  assert.equal((JSON.parse(json.stdout) as { verified: boolean }).verified, false);
});
