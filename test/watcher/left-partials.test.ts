import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { readdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { machineError } from "../../core/errors.ts";
import { claimPartial } from "../../formats/file/partial-name.ts";
import { copyingEngine } from "./copying-engine.ts";
import { repository, runDaemon } from "./running-daemon.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { tinyTiff } from "./tiny-tiff.ts";
import { until } from "./until.ts";

/** What process `pid` would leave beside `target` if it were killed at work; by default one that has ended. */
function leavePartial(target: string, pid = spawnSync("true").pid): string {
  const path = claimPartial(target).replace(`-${process.pid}-`, `-${pid}-`);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, "half");
  return path;
}

const hidden = async (folder: string): Promise<string[]> =>
  (await readdir(folder, { recursive: true })).filter((name) => name.endsWith(".partial"));

test("what an engine that was lost with a folder's last job left half written is removed, though no job follows", async (t) => {
  const folder = await temporaryFolder();
  let left = 0;
  const { engine } = copyingEngine({
    fail: ({ output }) => {
      left += 1;
      leavePartial(output);
      return machineError("the engine process was lost", { code: "engine-lost", retryable: true });
    },
  });
  const { lives } = await runDaemon(t, folder, engine, { jobs: { reserve_mib: 0, attempts: 1 } });
  await writeFile(join(folder, "incoming", "a.tif"), tinyTiff(1));
  await until("its job has ended", () => lives("a.tif").includes("parked"));
  assert.equal(left, 1);
  await until("nothing is left", async () => (await hidden(join(folder, "denoised"))).length === 0);
});

test("a start removes what killed processes left half written in the output, also where no job follows, and nothing else", async (t) => {
  const folder = await temporaryFolder();
  const output = join(folder, "denoised");
  leavePartial(join(output, "a.denoised.ome.tif"));
  leavePartial(join(output, "day", "b.denoised.ome.tif"));
  const alive = leavePartial(join(output, "day", "c.denoised.ome.tif"), process.ppid);
  await writeFile(join(output, "mine.partial"), "");
  const model = join(repository, "models/identity");
  await runDaemon(t, folder, copyingEngine().engine, {
    folders: [{ name: "f", path: "incoming", output: "denoised", model, subfolders: true }],
  });
  await until("only what is not left is there", async () => (await hidden(output)).length === 2);
  assert.deepEqual((await hidden(output)).sort(), [alive.slice(output.length + 1), "mine.partial"].sort());
});
