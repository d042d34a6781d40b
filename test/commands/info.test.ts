import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { runHere } from "./run-command.ts";

const fixtures = join(import.meta.dirname, "../fixtures/tiff");
const truths = JSON.parse(readFileSync(join(fixtures, "truth.json"), "utf8")) as Record<
  string,
  { sha256: string }
>;
const scratch = mkdtempSync(join(tmpdir(), "info-"));
after(() => rmSync(scratch, { recursive: true }));

test("info tells all series with their hashes, as tifffile reads them", async () => {
  const { code, stdout, stderr } = await runHere(["info", "--hash", "made/ome-two-images.ome.tif"], fixtures);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /axes +CZYX {2}2 x 4 x 48 x 64\n/);
  assert.match(stdout, /axes +ZYX {2}3 x 32 x 40\n/);
  assert.match(stdout, /pixel size +x 0.108 µm, y 0.108 µm, z 0.5 µm\n/);
  assert.ok(stdout.includes(truths["made/ome-two-images.ome.tif"]?.sha256 ?? "none"));
});

test("info tells each image of a LIF with its name, its sizes and its pixel sizes", async () => {
  const { code, stdout, stderr } = await runHere(["info", "made-three-series.lif"], join(fixtures, "../lif"));
  assert.equal(code, 0, stderr);
  assert.match(stdout, /series +0 \(of 3, .*\n +name +Series001 t z 2ch\n +make +Leica LIF/);
  assert.match(stdout, /axes +TZCYX {2}3 x 4 x 2 x 48 x 64\n/);
  assert.match(
    stdout,
    /pixel size +x 0.108 µm, y 0.108 µm, z 0.5 µm\n +time step +2.5 s\n +channels +Green, Red\n/,
  );
  assert.match(stdout, /name +Series 003 & plane\n/);
});

test("info refuses each bad file in one line and goes on with the others", async () => {
  const { code, stdout, stderr } = await runHere(
    ["info", "made/refuse/text.tif", "made/tiny-3x3-stack-u16.tif", "nothing.tif", "made"],
    fixtures,
  );
  assert.equal(code, 1);
  assert.match(stdout, /^made\/tiny-3x3-stack-u16.tif\n/);
  const lines = stderr.trim().split("\n");
  assert.equal(lines.length, 3, stderr);
  assert.match(lines[0] ?? "", /text.tif: this is text, not an image/);
  assert.match(lines[1] ?? "", /nothing.tif: there is no such file/);
  assert.match(lines[2] ?? "", /made: this is a folder/);
});

test("info --json is one array with an entry for each file", async () => {
  const files = ["made/lzw-pred2-be-stack-u16.tif", "made/refuse/ifd-loop.tif"];
  const { code, stdout } = await runHere(["info", "--json", "--hash", ...files], fixtures);
  assert.equal(code, 1);
  const [read, refused] = JSON.parse(stdout);
  assert.equal(read.file, files[0]);
  const { axes, shape, dtype, sha256, byteorder, compression } = read.series[0];
  assert.deepEqual(
    { axes, shape, dtype, byteorder, compression },
    {
      axes: "IYX",
      shape: [4, 48, 64],
      dtype: "uint16",
      byteorder: "big",
      compression: "LZW",
    },
  );
  assert.equal(sha256, truths[files[0] ?? ""]?.sha256);
  assert.equal(refused.error.code, "tiff-ifd-loop");
});

test("control characters in a name never reach the terminal", async () => {
  const name = "\u001b[31mred\n.tif";
  cpSync(join(fixtures, "made/tiny-3x3-stack-u16.tif"), join(scratch, name));
  writeFileSync(join(scratch, "\u001b]0;x\u0007.tif"), "text");
  const { code, stdout, stderr } = await runHere(["info", name, "\u001b]0;x\u0007.tif"], scratch);
  assert.equal(code, 1);
  assert.ok(!stdout.includes("\u001b") && !stderr.includes("\u001b") && !stderr.includes("\u0007"));
  assert.match(stdout, /^\\u001b\[31mred\\n\.tif\n/);
});

test("info tells of a package what it was made for, and refuses a damaged one", async () => {
  const shipped = join(import.meta.dirname, "../../models/default");
  const { code, stdout } = await runHere(["info", shipped]);
  assert.equal(code, 0);
  assert.match(
    stdout,
    /intensities +preserved: output values are in the input's units; whether structures keep their height is told by the slope\n/,
  );
  assert.match(stdout, /noise it was tried on +0\.\d+ to 1\.\d+ \(smallest to largest .* noisy images\)\n/);
  assert.match(
    stdout,
    /intensity slope +median 0\.98 \(smallest 0\.91, largest 1\.00\) over 18 .*pixels.*not measured on your sample\n/,
  );
  assert.match(
    stdout,
    /PSNR gained +median 10\.9 dB \(smallest 2\.7, largest 13\.9\) over 18 .* after the best gain and offset/,
  );
  const unmeasured = await runHere(["info", join(import.meta.dirname, "../../models/identity")]);
  assert.match(unmeasured.stdout, /intensity slope +not measured on your sample/);
  const [told] = JSON.parse((await runHere(["info", "--json", shipped])).stdout);
  assert.equal(told.package.settings.intensity.meaning, "preserved");
  assert.match(told.package.definitions.pairs.psnr_gain_db, /each channel .* best gain and offset/);
  assert.match(told.package.definitions.pairs.slope, /all pixels .* divided by/);
  assert.match(told.package.definitions.noise_range, /standard deviation of the noise/);

  const damaged = join(scratch, "damaged");
  cpSync(shipped, damaged, { recursive: true });
  writeFileSync(join(damaged, "model.onnx"), "no model");
  const refused = await runHere(["info", damaged]);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /not the one that the description names/);
});

test("info without a file is wrong usage", async () => {
  assert.equal((await runHere(["info"])).code, 2);
});

test("info tells of a result how it was made, in words and as JSON", async () => {
  const out = join(scratch, "results");
  const source = join(fixtures, "made/tiny-3x3-stack-u16.tif");
  const model = join(import.meta.dirname, "../../models/identity");
  const made = await runHere(["denoise", source, "--out", out, "--model", model, "--provider", "cpu"]);
  assert.equal(made.code, 0, made.stderr);
  const result = made.stdout.trim();
  const { stdout } = await runHere(["info", result]);
  assert.match(stdout, /made by cnnt-edge, as its metadata states:\n {4}Software +cnnt-edge \d/);
  assert.match(stdout, / {4}Model +identity \d.*\n {4}Model sha256 +[0-9a-f]{64}\n/);
  assert.match(stdout, / {4}Provider +cpu\n/);
  const [{ series }] = JSON.parse((await runHere(["info", "--json", result])).stdout);
  const [provenance] = series[0].provenance;
  assert.deepEqual(provenance[2], ["Provider", "cpu"]);
  // A result of a result carries both.
  const again = await runHere(["denoise", result, "--out", join(scratch, "twice"), "--model", model]);
  const twice = JSON.parse((await runHere(["info", "--json", again.stdout.trim()])).stdout);
  assert.equal(twice[0].series[0].provenance.length, 2);
  assert.deepEqual(twice[0].series[0].provenance[0], provenance);
});
