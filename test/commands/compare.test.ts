import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { encodeNpy } from "../../formats/npy.ts";
import { runHere } from "./run-command.ts";

const root = join(import.meta.dirname, "../..");
const fixtures = join(root, "test/fixtures/calibration");

const scratch = mkdtempSync(join(tmpdir(), "compare-"));
after(() => rmSync(scratch, { recursive: true }));

async function compare(...args: readonly string[]) {
  const { code, ...said } = await runHere(["compare", ...args]);
  return { status: code, ...said };
}

test("two files are compared with the figures of scikit-image", async () => {
  const { status, stdout, stderr } = await compare(
    join(fixtures, "bpae-noisy.npy"),
    join(fixtures, "bpae-clean.npy"),
    "--json",
  );
  assert.equal(status, 0, stderr);
  const { comparisons } = JSON.parse(stdout) as { comparisons: Record<string, number>[] };
  // scikit-image's and the published code's, from test/fixtures/calibration/metrics.json.
  assert.ok(Math.abs((comparisons[0]?.["psnr_db"] ?? 0) - 19.87205269167593) < 1e-9);
  assert.ok(Math.abs((comparisons[0]?.["ssim_scikit_image_gaussian"] ?? 0) - 0.29494433538753534) < 1e-9);
  assert.ok(Math.abs((comparisons[0]?.["ssim_published_7x7x7"] ?? 0) - 0.8340220444276191) < 1e-4);
});

test("the fitted figures are scikit-image's after one gain and offset for the whole file, and are named so", async () => {
  const { stdout } = await compare(
    join(fixtures, "bpae-noisy.npy"),
    join(fixtures, "bpae-clean.npy"),
    "--json",
  );
  const golden = JSON.parse(readFileSync(join(fixtures, "metrics.json"), "utf8")) as Record<
    string,
    Record<string, number>
  >;
  const [row] = (JSON.parse(stdout) as { comparisons: Record<string, number>[] }).comparisons;
  const off = (field: string, name: string) => Math.abs((row?.[field] ?? 0) - (golden["bpae"]?.[name] ?? 0));
  assert.ok(off("fitted_psnr_db", "fittedPsnr") < 1e-9, stdout);
  assert.ok(off("fitted_ssim_scikit_image_gaussian", "fittedScikitImageSsim") < 1e-9, stdout);
});

test("a file that is off by gain and offset alone is wrong as is, and right after the fit", async () => {
  const reference = Float32Array.from({ length: 4 * 32 * 32 }, (_, at) => 100 + ((at * 37) % 101));
  const write = (name: string, samples: Float32Array) => {
    const file = join(scratch, name);
    writeFileSync(file, encodeNpy({ data: samples, shape: [4, 32, 32] }));
    return file;
  };
  const truth = write("truth.npy", reference);
  const scaled = write(
    "scaled.npy",
    reference.map((value) => 2 * value + 64),
  );
  const { status, stdout, stderr } = await compare(scaled, truth, "--json");
  assert.equal(status, 0, stderr);
  const [row] = (JSON.parse(stdout) as { comparisons: Record<string, number | null>[] }).comparisons;
  assert.ok((row?.["psnr_db"] ?? 99) < 0, stdout);
  assert.equal(row?.["fitted_psnr_db"], null, "no error is left, so the PSNR has no bound");
  assert.equal(row?.["fitted_mean_squared_error"], 0);
  assert.deepEqual([row?.["fit_gain"], row?.["fit_offset"]], [0.5, -32]);
  assert.ok(Math.abs((row?.["fitted_ssim_scikit_image_gaussian"] ?? 0) - 1) < 1e-9);
  assert.ok(Math.abs((row?.["block_mean_slope"] ?? 0) - 2) < 1e-9);
  assert.ok(Math.abs((row?.["pixel_slope"] ?? 0) - 2) < 1e-9);
});

test("compare says of each figure what it is: in JSON for each field, below the table for each column", async () => {
  const files = [join(fixtures, "bpae-noisy.npy"), join(fixtures, "bpae-clean.npy")];
  const { comparisons, definitions } = JSON.parse((await compare(...files, "--json")).stdout) as {
    comparisons: Record<string, unknown>[];
    definitions: Record<string, string>;
  };
  const figures = Object.keys(comparisons[0] ?? {}).filter((name) => !["candidate", "stack"].includes(name));
  assert.ok(figures.length > 10);
  for (const name of figures) assert.match(definitions[name] ?? "", /\w+ \w+/, `${name} is not defined`);
  assert.match(definitions["psnr_db"] ?? "", /no gain or offset is fitted/);
  assert.match(definitions["psnr_db"] ?? "", /without bound .* null/);
  assert.match(definitions["fitted_psnr_db"] ?? "", /least squares/);
  assert.match(definitions["block_mean_slope"] ?? "", /means of blocks .* against .* reference/);
  assert.match(definitions["data_range"] ?? "", /largest less the smallest value of the reference/);

  const { stdout } = await compare(...files);
  const [table = "", ...legend] = stdout.split("\n\n");
  const headings = (table.split("\n")[0] ?? "").split(/ {2,}/).slice(2);
  assert.ok(headings.length > 8, stdout);
  const told = legend.join("\n\n").split("\n");
  for (const heading of headings) {
    assert.ok(
      told.some((line) => line.startsWith(`  ${heading} `)),
      `${heading} is not explained:\n${stdout}`,
    );
  }
});

test("compare says whose data range it used", async () => {
  const files = [join(fixtures, "bpae-noisy.npy"), join(fixtures, "bpae-clean.npy")];
  assert.match((await compare(...files)).stdout, /the largest less the smallest value of the reference/);
  const given = (await compare(...files, "--data-range", "4095")).stdout;
  assert.match(given, /data range .*4095.*--data-range/);
  assert.doesNotMatch(given, /largest less the smallest/);
});

test("two candidates against one reference are also compared with each other", async () => {
  const { stdout } = await compare(
    join(fixtures, "bpae-noisy.npy"),
    join(fixtures, "bpae-clean.npy"),
    "--reference",
    join(fixtures, "bpae-clean.npy"),
  );
  assert.match(stdout, /PSNR as is .*\n +PSNR after fit .*\n +SSIM 7x7 /);
  assert.match(stdout, /too few stacks for an interval\); higher in 0, lower in 1 of 1, sign test p = 1/);
});

test("models are compared with the input and with each other, over all stacks", async () => {
  const identity = join(root, "models/identity");
  const { status, stdout, stderr } = await compare(
    join(fixtures, "bpae-noisy.npy"),
    ...["--model", join(root, "models/default"), "--model", identity],
    ...["--reference", join(fixtures, "bpae-clean.npy"), "--json"],
  );
  assert.equal(status, 0, stderr);
  const { paired } = JSON.parse(stdout) as {
    paired: { first: string; second: string; psnr_db: { mean: number } }[];
  };
  const [denoised, same, models] = paired;
  assert.deepEqual([denoised?.first, same?.first, models?.second], ["input", "input", identity]);
  assert.equal(same?.psnr_db.mean, 0, "the identity changes nothing");
  // What the model gains over the input, it gains over the identity.
  assert.equal(models?.psnr_db.mean, -(denoised?.psnr_db.mean ?? Number.NaN));
  assert.ok((models?.psnr_db.mean ?? 0) > 3);
});

test("a folder without files is refused: nothing compared is no result", async () => {
  const empty = join(scratch, "empty");
  mkdirSync(join(empty, "folder-in-it"), { recursive: true });
  const { status, stdout, stderr } = await compare(empty, empty);
  assert.equal(status, 2, stdout);
  assert.match(stderr, /^cnnt-edge: .*empty: the folder holds no image that cnnt-edge reads/);
});

test("files of different size are refused", async () => {
  const { status, stderr } = await compare(
    join(fixtures, "bpae-noisy.npy"),
    join(fixtures, "made-clean.npy"),
  );
  assert.equal(status, 2);
  assert.match(stderr, /do not have the same size/);
});

test("a missing reference, a wrong model and unequal sizes are told together, before anything is denoised", async () => {
  const identity = join(root, "models/identity");
  const noisy = join(fixtures, "bpae-noisy.npy");
  const gone = await compare(noisy, "--model", identity, "--reference", "gone.npy");
  assert.equal(gone.status, 2);
  assert.match(gone.stderr, /^cnnt-edge: gone\.npy: there is no such file or folder/);
  const wrong = await compare(noisy, "--model", "no-model", "--reference", join(fixtures, "made-clean.npy"));
  assert.equal(wrong.status, 2);
  assert.match(wrong.stderr, /^cnnt-edge: no-model: there is no such model folder/m);
  assert.match(wrong.stderr, /^cnnt-edge: .*bpae-noisy\.npy: the two files do not have the same size/m);
  assert.doesNotMatch(wrong.stderr, /denoising/);
});

test("metadata beside the images of a folder is left out, and compare says so", async () => {
  const [a, b] = ["measured", "truth"].map((name) => join(scratch, name));
  assert.ok(a !== undefined && b !== undefined);
  const samples = Float32Array.from({ length: 32 * 32 }, (_, at) => (at * 37) % 101);
  for (const dir of [a, b]) {
    mkdirSync(dir);
    writeFileSync(join(dir, "field.npy"), encodeNpy({ data: samples, shape: [1, 32, 32] }));
  }
  writeFileSync(join(a, "acquisition.json"), "{}");
  const { status, stderr } = await compare(a, b);
  assert.equal(status, 0, stderr);
  assert.match(
    stderr,
    /measured: 1 file is left out, because it is not named like an image: acquisition\.json/,
  );
});
