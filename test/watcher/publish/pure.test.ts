import assert from "node:assert/strict";
import { test } from "node:test";
import { backoffMs } from "../../../core/backoff.ts";
import { createRateLimit, hidePaths } from "../../../watcher/announce/announce.ts";
import { reconnect } from "../../../watcher/publish/broker-link.ts";
import { createOutbox } from "../../../watcher/publish/outbox.ts";
import { watchdogIntervalMs } from "../../../watcher/publish/service-manager.ts";

const message = (topic: string, payload: string) => ({ topic, payload, qos: 1, retain: false }) as const;

test("the outbox keeps the newest of each topic and a bounded number of topics", () => {
  const outbox = createOutbox(2);
  for (const [topic, payload] of [
    ["a", "1"],
    ["b", "1"],
    ["a", "2"],
    ["c", "1"],
  ] as const)
    outbox.put(message(topic, payload));
  assert.equal(outbox.dropped(), 1);
  assert.deepEqual(
    [outbox.take(), outbox.take(), outbox.take()],
    [message("a", "2"), message("c", "1"), undefined],
  );
});

test("a broker is tried again after 1 s, 2 s, … 10 s, each somewhere between half and all of it", () => {
  assert.deepEqual(
    [0, 1, 2, 3, 4, 1000].map((failures) => backoffMs(reconnect, failures, 1)),
    [1000, 2000, 4000, 8000, 10_000, 10_000],
  );
  assert.equal(backoffMs(reconnect, 2, 0), 2000);
});

test("the log sends so many in a stretch and then says how many it held back", () => {
  const may = createRateLimit(2, 1000);
  assert.deepEqual([0, 1, 2, 3, 1001, 1002].map(may), [0, 0, undefined, undefined, 2, 0]);
});

test("absolute paths are told relative to the configured folders", () => {
  const roots = ["/mnt/scope", "/mnt/scope/denoised", "/opt/models"];
  assert.equal(
    hidePaths("/mnt/scope/denoised/a.ome.tif: no room on /mnt/scope; model /opt/models/x", roots),
    "a.ome.tif: no room on scope; model x",
  );
});

test("the watchdog is fed at half the interval, and only by the process that is asked", () => {
  assert.equal(watchdogIntervalMs({ WATCHDOG_USEC: "30000000" }, 7), 15_000);
  assert.equal(watchdogIntervalMs({ WATCHDOG_USEC: "30000000", WATCHDOG_PID: "7" }, 7), 15_000);
  assert.equal(watchdogIntervalMs({ WATCHDOG_USEC: "30000000", WATCHDOG_PID: "8" }, 7), undefined);
  assert.equal(watchdogIntervalMs({}, 7), undefined);
});
