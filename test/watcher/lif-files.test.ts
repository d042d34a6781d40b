import assert from "node:assert/strict";
import { appendFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { buildLif, plainStack } from "../formats/lif/build-lif.ts";
import { copyingEngine } from "./copying-engine.ts";
import { namesIn } from "./names-in.ts";
import { quickSettle, runDaemon } from "./running-daemon.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { until } from "./until.ts";

const fixture = join(import.meta.dirname, "../fixtures/lif/made-three-series.lif");

test("a LIF that grows in pieces waits until it is whole, and then each of its images is denoised once", async (t) => {
  const folder = await temporaryFolder();
  const { engine, orders } = copyingEngine();
  // Long enough that no piece counts as all that ever comes.
  const settle = { ...quickSettle, broken_s: 60 };
  const { lives } = await runDaemon(t, folder, engine, { settle });
  const path = join(folder, "incoming", "exp.lif");
  const whole = await readFile(fixture);
  const piece = Math.ceil(whole.length / 5);
  await writeFile(path, whole.subarray(0, piece));
  await until("it waits", () => lives("exp.lif").includes("waiting"));
  for (let at = piece; at < whole.length; at += piece) {
    assert.deepEqual(orders, []);
    await appendFile(path, whole.subarray(at, at + piece));
    await sleep(100);
  }
  await until("all are done", () => lives("exp.lif").filter((status) => status === "done").length === 3);
  assert.deepEqual(orders.map(({ series }) => series).sort(), [0, 1, 2]);
  assert.deepEqual(
    (await namesIn(join(folder, "denoised"))).sort(),
    [0, 1, 2].map((series) => `exp.series-${series}.denoised.ome.tif`),
  );
});

test("of a LIF with an image that is not read, that image's job fails with the reason, and the others are denoised", async (t) => {
  const folder = await temporaryFolder();
  const { engine } = copyingEngine();
  const { lives, heard } = await runDaemon(t, folder, engine);
  const stack = plainStack("a stack", { x: 8, y: 8, z: 4 }, 1);
  const spectral = {
    ...stack,
    name: "a λ scan",
    dimensions: [...(stack.dimensions ?? []).slice(0, 2), { id: 5, count: 4, bytesInc: 64 }],
  };
  await writeFile(
    join(folder, "incoming", "mixed.lif"),
    buildLif([spectral, stack, { ...stack, name: "b" }]),
  );
  await until("all have ended", () => {
    const ends = lives("mixed.lif").filter((status) => status === "done" || status === "failed");
    return ends.length === 3;
  });
  assert.equal(lives("mixed.lif").filter((status) => status === "failed").length, 1);
  const failed = heard.find(({ payload }) => payload["status"] === "failed");
  assert.match(JSON.stringify(failed?.payload["error"]), /image \\"a λ scan\\".*emission wavelength/);
  assert.deepEqual(
    (await namesIn(join(folder, "denoised"))).sort(),
    [1, 2].map((series) => `mixed.series-${series}.denoised.ome.tif`),
  );
});
