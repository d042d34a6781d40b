import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { startEngine } from "../../../runtime/engine/host.ts";
import { restartDelayMs } from "../../../runtime/engine/restart-delay.ts";
import type { Engine } from "../../../runtime/job/denoise-job.ts";

let engine: Engine | undefined;

function start(silenceMs = 60_000): Engine {
  engine = startEngine({
    models: ["unused"],
    providers: ["cpu"],
    program: new URL("./programs/acting-engine.ts", import.meta.url),
    silenceMs,
  });
  return engine;
}

const job = (input: string) => ({ input, output: `/results/${input}`, models: { default: "unused" } });

afterEach(async () => {
  await engine?.stop(0);
});

test("replaces an engine that crashed, and says how it ended", async () => {
  const { ready, denoise } = start();
  const { pid } = await ready();
  await assert.rejects(denoise(job("crash")), {
    code: "engine-lost",
    retryable: true,
    found: "ended by SIGSEGV; its last output: libfoo.so.1: cannot open",
  });
  assert.equal((await denoise(job("next"))).output, "/results/next");
  assert.notEqual((await ready()).pid, pid);
});

test("kills an engine that hangs", async () => {
  const { denoise } = start(1000);
  await assert.rejects(denoise(job("hang")), { code: "engine-lost", found: /silent/ });
});

test("kills an engine that speaks another protocol", async () => {
  const { denoise } = start();
  await assert.rejects(denoise(job("lie")), { code: "engine-lost", found: /protocol/ });
});

test("gives up a job when asked to and takes the next one in the same process", async () => {
  const { ready, denoise } = start();
  const { pid } = await ready();
  const interruption = new AbortController();
  const waiting = denoise(job("wait"), { signal: interruption.signal });
  await assert.rejects(denoise(job("other")), { code: "engine-busy" });
  setTimeout(() => interruption.abort(), 50);
  await assert.rejects(waiting, { code: "interrupted" });
  await denoise(job("next"));
  assert.equal((await ready()).pid, pid);
});

test("refuses at once when interrupted before the engine is up", async () => {
  const { denoise } = start();
  await assert.rejects(denoise(job("next"), { signal: AbortSignal.abort() }), { code: "interrupted" });
});

test("ends an engine that ignores the polite message and SIGTERM, and its job", async () => {
  const { ready, denoise, stop } = start();
  const { pid } = await ready();
  const waiting = denoise(job("wait"));
  const rejected = assert.rejects(waiting, { code: "engine-stopped" });
  await stop(10);
  await rejected;
  assert.throws(() => process.kill(pid, 0), { code: "ESRCH" });
});

test("waits longer after each loss in a row", () => {
  assert.deepEqual(
    [0, 1, 2, 3, 4, 5, 6, 7, 20].map(restartDelayMs),
    [0, 0, 500, 1000, 2000, 4000, 5000, 10000, 300000],
  );
});
