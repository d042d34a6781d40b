import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { copyingEngine } from "../copying-engine.ts";
import { repository, runDaemon } from "../running-daemon.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { until } from "../until.ts";

test("tiles of the configuration that the model cannot take hold their folder, with the options to change", async (t) => {
  const { engine } = copyingEngine();
  const model = join(repository, "models/default");
  const { said } = await runDaemon(t, await temporaryFolder(), engine, {
    folders: [
      { name: "size", path: "a", output: "ao", model, tile: [8, 64, 63] },
      { name: "wide", path: "b", output: "bo", model, overlap: [8, 184, 184] },
      { name: "good", path: "c", output: "co", model, tile: [8, 64, 64], overlap: [2, 16, 16] },
    ],
  });
  for (const [name, reason] of [
    ["size", /cannot take tiles of this size/],
    ["wide", /overlap is as large as the tile/],
  ] as const) {
    const held = await until(`${name} is held`, () =>
      said(`folder/${name}/state`).findLast(
        (one) => one["state"] === "error" && reason.test(String(one["reason"])),
      ),
    );
    assert.match(
      String(held["remedy"]),
      new RegExp(`folders\\[\\]\\.tile and folders\\[\\]\\.overlap of the folder ${name}`),
    );
  }
  assert.ok(said("folder/good/state").every(({ reason }) => !/tile/.test(String(reason))));
});
