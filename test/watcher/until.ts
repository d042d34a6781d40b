import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";

/** Waits until `value` gives something, and fails with `what` after a time that no machine needs. */
export async function until<Value>(
  what: string,
  value: () => Value | undefined | false | Promise<Value | undefined | false>,
  timeoutMs = 90_000,
): Promise<Value> {
  const endMs = performance.now() + timeoutMs;
  while (performance.now() < endMs) {
    const found = await value();
    if (found !== undefined && found !== false) return found;
    await sleep(20);
  }
  assert.fail(`waited in vain until ${what}`);
}
