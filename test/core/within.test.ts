import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { within } from "../../core/within.ts";

test("what comes in time is answered, what comes late is not, and its failure is dropped", async () => {
  assert.equal(await within(60_000, Promise.resolve(7)), 7);
  await assert.rejects(within(60_000, Promise.reject(new Error("broken"))), /broken/);
  const late = sleep(50).then(() => Promise.reject(new Error("too late")));
  assert.equal(await within(1, late), undefined);
  await sleep(100);
});
