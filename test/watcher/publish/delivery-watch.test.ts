import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { createDeliveryWatch, type Delivery } from "../../../watcher/publish/delivery-watch.ts";

type Answer = Exclude<Delivery, "arrives">;

function watched(t: TestContext, answers: readonly Answer[]) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  let nowMs = 0;
  let asked = 0;
  const verdicts: Delivery[] = [];
  const watch = createDeliveryWatch({
    echoMs: 5000,
    ask: async () => answers[Math.min(asked++, answers.length - 1)] ?? "unknown",
    onVerdict: (verdict) => verdicts.push(verdict),
    now: () => nowMs,
  });
  /** A heartbeat whose echo does not come. */
  const miss = async (): Promise<void> => {
    watch.said();
    nowMs += 30_000;
    t.mock.timers.tick(5000);
    await Promise.resolve();
    await Promise.resolve();
  };
  return { watch, verdicts, miss, asked: () => asked };
}

test("each change is told once, and what was known is forgotten with the connection", async (t) => {
  const { watch, verdicts, miss } = watched(t, ["refused"]);
  await miss();
  await miss();
  watch.said();
  watch.heard();
  watch.heard();
  watch.reset();
  assert.equal(watch.verdict(), undefined);
  await miss();
  assert.deepEqual(verdicts, ["refused", "arrives", "refused"]);
});

test("a user that may publish but not read is asked for every five minutes, not at each heartbeat", async (t) => {
  const { verdicts, miss, asked } = watched(t, ["accepted", "refused"]);
  for (let k = 0; k < 9; k += 1) await miss();
  assert.equal(asked(), 1);
  await miss();
  await miss();
  assert.deepEqual(verdicts, ["accepted", "refused"]);
});

test("an answer that comes after our state, or after the connection, changes nothing", async (t) => {
  const { watch, verdicts } = watched(t, ["refused"]);
  watch.said();
  t.mock.timers.tick(5000);
  watch.heard();
  await Promise.resolve();
  watch.said();
  t.mock.timers.tick(5000);
  watch.reset();
  await Promise.resolve();
  assert.deepEqual(verdicts, ["arrives"]);
});
