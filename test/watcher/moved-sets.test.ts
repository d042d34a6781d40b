import assert from "node:assert/strict";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { startEngine } from "../../runtime/engine/host.ts";
import { writeNdSet } from "../formats/described/nd-files.ts";
import { buildLif, plainStack } from "../formats/lif/build-lif.ts";
import { describedSet } from "./described-set.ts";
import { noOtherDisk, otherDisk } from "./other-disk.ts";
import { repository, runDaemon } from "./running-daemon.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { until } from "./until.ts";

const model = join(repository, "models/identity");
const another = await otherDisk();

/** Writes a set of every kind below `folder`, the same kinds in a subfolder again. Answers all names. */
async function writeSets(folder: string): Promise<string[]> {
  for (const sub of ["", "day/night"]) {
    for (const kind of ["each", "first", "companion"] as const) {
      const into = join(folder, sub, kind);
      await mkdir(into, { recursive: true });
      for (const [name, bytes] of describedSet(3, kind)) await writeFile(join(into, name), bytes);
    }
    await writeFile(
      join(folder, sub, "exp.lif"),
      buildLif([plainStack("a", { x: 4, y: 3, z: 2 }), plainStack("b", { x: 4, y: 3, z: 2 })]),
    );
    await writeNdSet(join(folder, sub), "m", {
      timePoints: 2,
      stages: ["p1", "p2"],
      waves: ["GFP", "RFP"],
      zSteps: 2,
    });
  }
  return filesIn(folder);
}

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && !entry.parentPath.includes(".cnnt-edge"))
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}

for (const [where, target] of [
  ["the same disk", undefined],
  ["another disk", another],
] as const) {
  test(`sets of every kind, also in subfolders, are moved whole to ${where} once all their images are done`, {
    skip: where === "another disk" && another === undefined ? noOtherDisk : false,
  }, async (t) => {
    const folder = await temporaryFolder();
    const moved = join(target ?? folder, "moved");
    await mkdir(moved);
    const names = await writeSets(join(folder, "incoming"));
    const engine = startEngine({ models: [model], providers: ["cpu"] });
    t.after(() => engine.stop());
    await runDaemon(t, folder, engine, {
      folders: [{ name: "f", path: "incoming", output: "denoised", model, after: { move: moved } }],
    });
    // A hidden folder may vanish while it is listed.
    const isAt = (place: string) => filesIn(place).catch(() => ["a move"]);
    await until("all have moved", async () => (await isAt(moved)).length === names.length, 60_000);
    await until("none is left", async () => (await isAt(join(folder, "incoming"))).length === 0);
    assert.deepEqual(await filesIn(moved), names);
    const results = (await filesIn(join(folder, "denoised"))).filter((name) => name.endsWith(".ome.tif"));
    // For each of the two folders: three OME sets, two images of the LIF, two stage positions.
    assert.equal(results.length, 2 * (3 + 2 + 2));
  });
}
