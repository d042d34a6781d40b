import assert from "node:assert/strict";
import { test } from "node:test";
import { machineError, reportOf } from "../../core/errors.ts";
import type { DaemonEvents } from "../../watcher/events/daemon-events.ts";
import { createDaemonLog } from "../../watcher/events/daemon-log.ts";
import { createEvents } from "../../watcher/events/event-map.ts";
import type { Folder } from "../../watcher/folder/folder.ts";
import type { Ledger } from "../../watcher/ledger/ledger.ts";
import type { PendingMove } from "../../watcher/ledger/move-store.ts";
import { createMover } from "../../watcher/mover.ts";
import { until } from "./until.ts";

/** What becomes of one move of a source, quiet for so long, that its folder's process refuses with `code`. */
async function refusedMove(code: string, quietForMs: number) {
  const move: PendingMove = {
    id: 1,
    source: "a.tif",
    members: ["a.tif"],
    sizeBytes: 1,
    mtimeMs: 1,
    seenMs: Date.now() - quietForMs,
    attempts: 0,
    outcomes: [],
  };
  const later: { delayMs: number; code: string | undefined }[] = [];
  const ledger = {
    nextMove: async () => (later.length === 0 ? move : undefined),
    mountPoint: async () => undefined,
    moveLater: async (_id: number, delayMs: number, error?: { code: string }) => {
      later.push({ delayMs, code: error?.code });
    },
  } as unknown as Ledger;
  const folder = {
    config: { name: "f", path: "/in", moveTo: "/done" },
    facts: () => ({ mode: { events: true, why: "" } }),
    io: { ask: () => Promise.reject(machineError("it stays", { code, retryable: true })) },
  } as unknown as Folder;
  const warnings: string[] = [];
  let told = 0;
  const events = createEvents<DaemonEvents>((error) => assert.fail(String(error)));
  events.on("keptChanged", () => {
    told += 1;
  });
  const mover = createMover(events, {
    ledger,
    mayNote: () => true,
    folders: [folder],
    quietMs: 2000,
    log: createDaemonLog({
      info: () => undefined,
      problem: (_level, error) => void warnings.push(reportOf(error).code),
    }),
  });
  mover.lookForWork();
  await until("it is told that the source is kept", () => told > 0);
  await mover.drain(1000);
  return { later, warnings };
}

test("a source that has only to be quiet for longer is no warning, and is moved as soon as it was", async () => {
  const { later, warnings } = await refusedMove("move-not-quiet", 5000);
  assert.deepEqual(warnings, []);
  const [{ delayMs, code } = { delayMs: 0, code: undefined }] = later;
  // Ten times two seconds, of which five have passed.
  assert.ok(delayMs > 10_000 && delayMs <= 15_000, `${delayMs} ms`);
  assert.equal(code, "move-not-quiet", "the folder's state gives the reason");
});

test("a source that has to stay for another reason is a warning", async () => {
  const { later, warnings } = await refusedMove("move-open", 5000);
  assert.deepEqual([warnings, later], [["move-open"], [{ delayMs: 1000, code: "move-open" }]]);
});
