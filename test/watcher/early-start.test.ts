import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { copyingEngine } from "./copying-engine.ts";
import { quickSettle, repository, runDaemon } from "./running-daemon.ts";
import { statedTiff } from "./stated-tiff.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { tinyTiff } from "./tiny-tiff.ts";
import { until } from "./until.ts";

/** Nothing comes to rest by being quiet within this test. */
const neverQuiet = { ...quickSettle, quiet_s: 3600, looks: 50 };

test("the start of a job does not wait for the quiet time, whoever brings the file", async (t) => {
  const folder = await temporaryFolder();
  const daemon = await runDaemon(t, folder, copyingEngine().engine, { settle: neverQuiet });
  const incoming = join(folder, "incoming");
  await until("the folder is watched", () =>
    daemon.said("folder/f/state").some(({ state }) => state === "watching"),
  );
  await writeFile(join(folder, "ready.tif"), statedTiff(3));
  await writeFile(join(folder, "pages.tif"), tinyTiff(1, 2, 3));
  await writeFile(join(incoming, "saved.tif"), statedTiff(3, { seed: 2 }));
  execFileSync("cp", [join(folder, "ready.tif"), join(incoming, "copied.tif")]);
  await rename(join(folder, "pages.tif"), join(incoming, "moved.tif"));
  await mkdir(join(incoming, "day"));
  let files = 0;
  // The first of them may be written before the daemon looks at their folder.
  await until("a file of a new subfolder is done", async () => {
    await writeFile(join(incoming, "day", `${files++}.tif`), statedTiff(4));
    await sleep(100);
    return Array.from({ length: files }, (_, index) => daemon.lives(`day/${index}.tif`))
      .flat()
      .includes("done");
  });
  for (const source of ["saved.tif", "copied.tif", "moved.tif"]) {
    await until(`${source} is done`, () => daemon.lives(source).includes("done"));
  }
});

test("with settle.early off, a file has to be quiet however it came", async (t) => {
  const folder = await temporaryFolder();
  const model = join(repository, "models/identity");
  await mkdir(join(folder, "slow"));
  const daemon = await runDaemon(t, folder, copyingEngine().engine, {
    settle: neverQuiet,
    folders: [
      { name: "f", path: "incoming", output: "denoised", model },
      { name: "slow", path: "slow", output: "later", model, settle: { early: false } },
    ],
  });
  const watched = (name: string) => () =>
    daemon.said(`folder/${name}/state`).some(({ state }) => state === "watching");
  await until("the folders are watched", () => watched("f")() && watched("slow")());
  await writeFile(join(folder, "slow", "b.tif"), statedTiff(3));
  await until("the other folder knows of its file", () =>
    daemon.said("folder/slow/state").some(({ waiting }) => JSON.stringify(waiting)?.includes(`"count":1`)),
  );
  await writeFile(join(folder, "incoming", "a.tif"), statedTiff(3));
  await until("the file of the first folder is done", () => daemon.lives("a.tif").includes("done"));
  assert.deepEqual(daemon.lives("b.tif"), []);
});
