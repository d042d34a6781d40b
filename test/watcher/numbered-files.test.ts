import assert from "node:assert/strict";
import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { runHere } from "../commands/run-command.ts";
import { buildTiff, numberedPages } from "../formats/build-tiff.ts";
import { ndText } from "../formats/described/nd-files.ts";
import { copyingEngine } from "./copying-engine.ts";
import { namesIn } from "./names-in.ts";
import { quickSettle, repository, runDaemon } from "./running-daemon.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { until } from "./until.ts";

const names = ["a_T1_C1.tif", "a_T1_C2.tif", "a_T2_C1.tif", "a_T2_C2.tif"];
const model = join(repository, "models/identity");

const withPattern = (change: Record<string, unknown>) => ({
  folders: [
    { name: "f", path: "incoming", output: "denoised", model, pattern: "{name}_T{t}_C{c}.tif", ...change },
  ],
});

async function bring(folder: string, name: string, first: number): Promise<void> {
  const part = join(folder, `${name}.part`);
  await writeFile(part, buildTiff(numberedPages(1, 4, 3, first)));
  await rename(part, join(folder, name));
}

test("files by a pattern are one job with one result, and are moved together, after a restart in their middle too", async (t) => {
  const folder = await temporaryFolder();
  await mkdir(join(folder, "incoming"));
  await mkdir(join(folder, "moved"));
  const { engine, orders } = copyingEngine();
  const config = withPattern({ pattern_sizes: { t: 2, c: 2 }, after: { move: "moved" } });
  // What is missing is not missing for long enough to fail.
  const settle = { ...quickSettle, broken_s: 600 };
  const before = await runDaemon(t, folder, engine, { ...config, settle });
  for (const [index, name] of names.slice(1).entries()) {
    await bring(join(folder, "incoming"), name, index + 1);
    await sleep(100);
  }
  await until("it waits", () => before.lives("a_T1_C2.tif").includes("waiting"));
  await before.stop();
  const { lives } = await runDaemon(t, folder, engine, { ...config, settle });
  await bring(join(folder, "incoming"), "a_T1_C1.tif", 50);
  await until("it is done", () => lives("a_T1_C1.tif").includes("done"));
  await until("all have left", async () => (await namesIn(join(folder, "incoming"))).length === 0);
  assert.deepEqual((await namesIn(join(folder, "moved"))).sort(), names);
  assert.deepEqual(await namesIn(join(folder, "denoised")), ["a_T1_C1.denoised.ome.tif"]);
  assert.equal(orders.length, 1);
  assert.deepEqual(
    orders[0]?.pattern?.files,
    names.map((name) => join(folder, "incoming", name)),
  );
  // The file that stood for the acquisition before the first one came.
  await until("its job ended", () => lives("a_T1_C2.tif").includes("skipped"));
});

test("an acquisition with a hole is parked with the missing file's name, and done when that comes", async (t) => {
  const folder = await temporaryFolder();
  await mkdir(join(folder, "incoming"));
  const { engine } = copyingEngine();
  const settle = { ...quickSettle, set_quiet_s: 0.5 };
  await writeFile(join(folder, "incoming", "a.nd"), ndText({ timePoints: 2, waves: ["1", "2"] }));
  const { lives, heard } = await runDaemon(t, folder, engine, { ...withPattern({}), settle });
  for (const [index, name] of names.toSpliced(2, 1).entries())
    await bring(join(folder, "incoming"), name, index + 1);
  await until("it failed", () => lives("a_T1_C1.tif").includes("failed"));
  const failed = heard.find(({ payload }) => payload["status"] === "failed");
  assert.match(JSON.stringify(failed?.payload["error"]), /no \\"a_T2_C1.tif\\"/);
  await bring(join(folder, "incoming"), "a_T2_C1.tif", 60);
  await until("it is done", () => lives("a_T1_C1.tif").includes("done"));
  assert.equal((await namesIn(join(folder, "denoised"))).length, 1);
  const listed = await runHere(["queue", "--state", join(folder, "state"), "--status", "failed"]);
  assert.match(
    listed.stdout,
    /failed {3}f {2}a_T1_C1\.tif: .*no "a_T2_C1\.tif".*\. Its newer content is done\n$/,
  );
  // Where a pattern says what the files are, no other description does.
  assert.deepEqual(lives("a.nd"), []);
});

test("the log tells why an acquisition waits, and tells anew when it waits for another reason, with the file at fault", async (t) => {
  const folder = await temporaryFolder();
  const settle = { ...quickSettle, set_quiet_s: 1.5, broken_s: 600 };
  const { lines } = await runDaemon(t, folder, copyingEngine().engine, { ...withPattern({}), settle });
  await bring(join(folder, "incoming"), "a_T1_C1.tif", 1);
  const odd = join(folder, "odd.part");
  await writeFile(odd, buildTiff(numberedPages(1, 4, 2, 1)));
  await rename(odd, join(folder, "incoming", "a_T1_C2.tif"));
  await until("the log names the odd file", () => lines.some((line) => line.includes("a_T1_C2.tif: ")));
  const waits = lines.filter((line) => line.startsWith("a_T1_C1.tif waits: "));
  assert.equal(waits.length, 2, lines.join("\n"));
  assert.match(waits[0] ?? "", /more may come.*it is taken after 1\.5 s without a change$/);
  assert.match(
    waits[1] ?? "",
    /a_T1_C2\.tif: its planes are not of the size .*found 4 x 2 .*as in "a_T1_C1\.tif"\); it fails after 10 min/,
  );
});
