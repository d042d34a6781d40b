import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { copyingEngine } from "./copying-engine.ts";
import { namesIn } from "./names-in.ts";
import { repository, runDaemon } from "./running-daemon.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { tinyTiff } from "./tiny-tiff.ts";
import { until } from "./until.ts";

/** Its output is named "probability". */
const probability = join(repository, "test/fixtures/zoo/fixed-size-04");
const identity = join(repository, "models/identity");

test("a folder whose model does something else is held with reason and remedy, and other folders go on", async (t) => {
  const folder = await temporaryFolder();
  await mkdir(join(folder, "other"));
  const { engine } = copyingEngine();
  const { said, lives } = await runDaemon(t, folder, engine, {
    folders: [
      { name: "f", path: "incoming", output: "denoised", model: identity, channels: { 1: probability } },
      { name: "g", path: "other", output: "others", model: identity },
    ],
  });
  const held = await until("the folder is held", () =>
    said("folder/f/state").findLast((one) => one["state"] === "error"),
  );
  assert.match(String(held["reason"]), /does something other than denoise.*outputs\.0\.name: probability/);
  assert.match(String(held["remedy"]), /run_anyway: true/);
  await writeFile(join(folder, "incoming", "a.tif"), tinyTiff(1));
  await writeFile(join(folder, "other", "b.tif"), tinyTiff(2));
  await until("the other folder goes on", () => lives("b.tif").includes("done"));
  assert.ok(!lives("a.tif").includes("running"));
});

test("with run_anyway it runs, its results are not called denoised, and they are never input", async (t) => {
  const folder = await temporaryFolder();
  const { engine } = copyingEngine();
  const { lives } = await runDaemon(t, folder, engine, {
    folders: [{ name: "f", path: "incoming", output: "incoming/out", model: probability, run_anyway: true }],
  });
  await writeFile(join(folder, "incoming", "old.output.ome.tif"), tinyTiff(3));
  await writeFile(join(folder, "incoming", "a.tif"), tinyTiff(1));
  await until("the job is done", () => lives("a.tif").includes("done"));
  assert.deepEqual(await namesIn(join(folder, "incoming/out")), ["a.output.ome.tif"]);
  assert.deepEqual(lives("old.output.ome.tif"), []);
});

test("run_anyway changes no name where the model denoises", async (t) => {
  const folder = await temporaryFolder();
  const { engine } = copyingEngine();
  const { lives } = await runDaemon(t, folder, engine, {
    folders: [{ name: "f", path: "incoming", output: "denoised", model: identity, run_anyway: true }],
  });
  await writeFile(join(folder, "incoming", "a.tif"), tinyTiff(1));
  await until("the job is done", () => lives("a.tif").includes("done"));
  assert.deepEqual(await namesIn(join(folder, "denoised")), ["a.denoised.ome.tif"]);
});
