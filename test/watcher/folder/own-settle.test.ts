import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { parseConfig } from "../../../watcher/config/load.ts";
import { copyingEngine } from "../copying-engine.ts";
import { repository, runDaemon } from "../running-daemon.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { tinyTiff } from "../tiny-tiff.ts";
import { until } from "../until.ts";

test("a folder settles by its own times, and by the daemon's where it has none", async (t) => {
  const folder = await temporaryFolder();
  const model = join(repository, "models/identity");
  await mkdir(join(folder, "patient"));
  const daemon = await runDaemon(t, folder, copyingEngine().engine, {
    folders: [
      { name: "f", path: "incoming", output: "denoised", model },
      { name: "p", path: "patient", output: "later", model, settle: { quiet_s: 600 } },
    ],
  });
  await writeFile(join(folder, "patient", "b.tif"), tinyTiff(2));
  await writeFile(join(folder, "incoming", "a.tif"), tinyTiff(1));
  await until("the first folder's file is done", () => daemon.lives("a.tif").includes("done"));
  await until("the other folder knows of its file", () =>
    daemon.said("folder/p/state").some(({ waiting }) => JSON.stringify(waiting)?.includes(`"count":1`)),
  );
  assert.deepEqual(daemon.lives("b.tif"), []);
});

test("a folder's settling times are checked as the daemon's are", () => {
  const withSettle = (settle: object): string =>
    JSON.stringify({ folders: [{ name: "f", path: "in", output: "out", model: "m", settle }] });
  assert.throws(() => parseConfig(withSettle({ quiet: 3 }), "config.yaml"), /there is no option "quiet"/);
  assert.throws(() => parseConfig(withSettle({ looks: 1 }), "config.yaml"), /folders\.0\.settle\.looks/);
  assert.deepEqual(parseConfig(withSettle({ looks: 5 }), "config.yaml").folders[0]?.settle, { looks: 5 });
});
