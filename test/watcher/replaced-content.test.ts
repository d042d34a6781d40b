import assert from "node:assert/strict";
import { mkdir, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { machineError } from "../../core/errors.ts";
import { openLedger } from "../../watcher/ledger/ledger.ts";
import { copyingEngine } from "./copying-engine.ts";
import { namesIn } from "./names-in.ts";
import { type RunningDaemon, runDaemon } from "./running-daemon.ts";
import { onePlane, sightingOf } from "./sighting-of.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { tinyTiff } from "./tiny-tiff.ts";
import { until } from "./until.ts";

/** The last step of the jobs of `a.tif`, by revision. */
function endsOf({ heard }: RunningDaemon): Record<string, unknown> {
  const steps = heard.filter(
    ({ topic, payload }) => /\/job\/\w{16}$/.test(topic) && payload["source"] === "a.tif",
  );
  return Object.fromEntries(
    steps.map(({ payload: { revision, status, reason } }) => [
      String(revision),
      reason === undefined ? status : `${status}: ${reason}`,
    ]),
  );
}

const doneOnce = { 1: "skipped: replaced by revision 2", 2: "done" };

test("a file that is touched while its job runs is done once, as its newer revision", async (t) => {
  const folder = await temporaryFolder();
  const source = join(folder, "incoming", "a.tif");
  const { engine, orders } = copyingEngine();
  let release: () => void = assert.fail;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  let first = true;
  const daemon = await runDaemon(t, folder, {
    ...engine,
    denoise: async (...order) => {
      if (!first) return engine.denoise(...order);
      first = false;
      await utimes(source, new Date(), new Date());
      await released;
      throw machineError("the source was written to while it was read", {
        code: "source-changed",
        retryable: true,
      });
    },
  });
  await writeFile(source, tinyTiff(1));
  await until("the newer revision waits", () => endsOf(daemon)["2"] === "queued");
  release();
  await until("it is done", () => endsOf(daemon)["2"] === "done");
  await until("the older one has ended", () => endsOf(daemon)["1"] !== "running");
  assert.deepEqual(endsOf(daemon), doneOnce);
  assert.equal(orders.length, 1);
  assert.equal((await namesIn(join(folder, "denoised"))).length, 1);
});

test("a job whose source changed while the daemon was down does not take the newer content", async (t) => {
  const folder = await temporaryFolder();
  await mkdir(join(folder, "incoming"));
  const bytes = tinyTiff(1);
  await writeFile(join(folder, "incoming", "a.tif"), bytes);
  const ledger = await openLedger(join(folder, "state"), assert.fail);
  const before = sightingOf("a.tif", { sizeBytes: bytes.length });
  await ledger.admitWhole("f", before, onePlane);
  await ledger.close();
  const { engine, orders } = copyingEngine();
  const daemon = await runDaemon(t, folder, engine);
  await until("the newer content is done", () => endsOf(daemon)["2"] === "done");
  assert.deepEqual(endsOf(daemon), doneOnce);
  assert.equal(orders.length, 1);
});
