import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { copyingEngine } from "./copying-engine.ts";
import { runDaemon } from "./running-daemon.ts";
import { temporaryFolder } from "./temporary-folder.ts";

/** Longer than the processes that the stop ended take to be gone. */
const goneMs = 500;

test("a daemon that is stopped while its models are checked warns of nothing that it ended itself", async (t) => {
  for (const afterMs of [0, 400]) {
    const { engine } = copyingEngine();
    const { daemon, lines, said, stop } = await runDaemon(t, await temporaryFolder(), engine);
    await sleep(afterMs);
    await stop();
    await daemon.warm.catch(() => undefined);
    await sleep(goneMs);
    const warnings = lines.filter((line) => /^(warn|error): /.test(line));
    const faults = said("state").flatMap(({ reason }) => (String(reason).includes("model") ? [reason] : []));
    assert.deepEqual([warnings, faults], [[], []]);
  }
});
