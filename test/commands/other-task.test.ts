import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, before, test } from "node:test";
import { openAcquisition } from "../../formats/open.ts";
import { runHere } from "./run-command.ts";

/** Models of the zoo that do not denoise, or do not say so. */

const root = resolve(import.meta.dirname, "../..");
const zoo = join(root, "test/fixtures/zoo");
/** Its output is named "probability" and ends in a sigmoid. */
const probability = join(zoo, "fixed-size-04");
const silent = join(zoo, "planes-05");
const identity = join(root, "models/identity");

const scratch = mkdtempSync(join(tmpdir(), "other-task-"));
const stack = join(scratch, "simulated-0001.ome.tif");
after(() => rmSync(scratch, { recursive: true }));

before(async () => {
  const { code, stderr } = await runHere(["simulate", "--out", scratch, "--shape", "1,2,1,40,40"]);
  assert.equal(code, 0, stderr);
});

function outOf(name: string): string {
  const out = join(scratch, name);
  mkdirSync(out);
  return out;
}

async function xmlOf(file: string): Promise<string> {
  const source = await openAcquisition(file);
  await source.close();
  return source.acquisition.original.kind === "ome-xml" ? source.acquisition.original.xml : "";
}

const says =
  /the model does something other than denoise, as its description says \(found outputs\.0\.name: probability\)/;

for (const [what, models] of [
  ["for all channels", ["--model", probability]],
  ["for one channel", ["--model", identity, "--channel", `1=${probability}`]],
] as const) {
  test(`denoise refuses a model that does something else ${what}, and says what its description says`, async () => {
    const out = outOf(`refused ${what}`);
    const { code, stdout, stderr } = await runHere(["denoise", stack, "--out", out, ...models]);
    assert.equal(code, 1);
    assert.match(stderr, says);
    assert.match(stderr, /--run-anyway runs it, and names the results \.output\.ome\.tif/);
    assert.equal(stdout, "");
    assert.deepEqual(readdirSync(out), []);
  });

  test(`with --run-anyway it runs ${what}; no result is called denoised, and each says why`, async () => {
    const out = outOf(`run ${what}`);
    const args = ["denoise", stack, "--out", out, ...models, "--run-anyway"];
    const { code, stdout, stderr } = await runHere(args);
    assert.equal(code, 0, stderr);
    assert.deepEqual(readdirSync(out), ["simulated-0001.output.ome.tif"]);
    assert.equal(stdout, `${join(out, "simulated-0001.output.ome.tif")}\n`);
    const note = "does something other than denoise, as its description says (outputs.0.name: probability)";
    assert.ok(stderr.includes(note), stderr);
    const xml = await xmlOf(join(out, "simulated-0001.output.ome.tif"));
    assert.match(
      xml,
      /<M K="Note">the model (&quot;|")fixed size(&quot;|") does something other than denoise[^<]*it runs only because you asked for it/,
    );
    assert.match(xml, /<M K="Channel 1: Model task">something other than denoising, as its description says/);

    const again = await runHere([...args, "--skip-existing"]);
    assert.equal(again.code, 0);
    assert.match(again.stderr, /1 of 1 acquisition skipped: its result exists/);
    const folder = await runHere(["denoise", out, "--out", join(scratch, "none"), "--model", identity]);
    assert.notEqual(folder.code, 0, "a result of ours is no input");
  });
}

test("a model that does not say that it denoises runs under the usual name, with a warning in the result", async () => {
  const out = outOf("silent");
  const { code, stderr } = await runHere(["denoise", stack, "--out", out, "--model", silent]);
  assert.equal(code, 0, stderr);
  const note = 'the package does not say that its model "planes" denoises';
  assert.equal(stderr.split(note).length, 2, "it is told once");
  assert.deepEqual(readdirSync(out), ["simulated-0001.denoised.ome.tif"]);
  assert.match(
    await xmlOf(join(out, "simulated-0001.denoised.ome.tif")),
    /<M K="Note">the package does not say that its model/,
  );
});

test("compare refuses a model that does something else; with --run-anyway it compares what that makes", async () => {
  const args = ["compare", stack, "--model", probability, "--reference", stack];
  const refused = await runHere(args);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, says);
  const run = await runHere([...args, "--run-anyway"]);
  assert.equal(run.code, 0, run.stderr);
  assert.match(run.stderr, /note: the model "fixed size" does something other than denoise/);
});

test("calibrate refuses a model that does something else, before it looks at the repeats", async () => {
  const { code, stderr } = await runHere([
    "calibrate",
    scratch,
    "--model",
    probability,
    "--out",
    join(scratch, "c"),
  ]);
  assert.equal(code, 1);
  assert.match(stderr, says);
  assert.match(stderr, /Calibrate with a model that denoises/);
});

test("info and verify tell in a line what a model says that it does", async () => {
  for (const [dir, line] of [
    [
      probability,
      /something other than denoising, as its description says \(outputs\.0\.name: probability\)\n/,
    ],
    [silent, /not stated: its description does not say that it denoises\n/],
    [join(zoo, "channels-last-04"), /denoising, as its description says \(outputs\.0\.name: denoised\)\n/],
    [identity, /not stated: its description does not say that it denoises\n/],
  ] as const) {
    for (const command of ["info", "verify"]) {
      const { code, stdout, stderr } = await runHere([command, dir]);
      assert.equal(code, 0, stderr);
      assert.match(stdout, line, command);
    }
  }
  const [told] = JSON.parse((await runHere(["info", "--json", probability])).stdout);
  assert.deepEqual(told.package.task, { verdict: "something-else", words: ["outputs.0.name: probability"] });
  const verified = JSON.parse((await runHere(["verify", "--json", probability])).stdout);
  assert.equal(verified.task.verdict, "something-else");
});
