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

/** What the ledger and the log are told of one attempt of a move that has come to `known`; `answer`: its folder's process. */
async function movedOnce(known: Partial<PendingMove>, answer: () => Promise<unknown>) {
  const move: PendingMove = {
    id: 1,
    source: "a.tif",
    members: ["a.tif"],
    sizeBytes: 1,
    mtimeMs: 1,
    seenMs: Date.now(),
    attempts: 0,
    outcomes: [],
    ...known,
  };
  const later: { delayMs: number; code: string | undefined }[] = [];
  let isMoved = false;
  const ledger = {
    nextMove: async () => (isMoved || later.length > 0 ? undefined : move),
    mountPoint: async () => undefined,
    moved: async () => {
      isMoved = true;
    },
    moveLater: async (_id: number, delayMs: number, error?: { code: string }) => {
      later.push({ delayMs, code: error?.code });
    },
  } as unknown as Ledger;
  const folder = {
    config: { name: "f", path: "/in", moveTo: "/done" },
    facts: () => ({ mode: { events: true, why: "" } }),
    io: { ask: answer },
    settle: { quiet_s: 2 },
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
    log: createDaemonLog({
      info: () => undefined,
      problem: (_level, error) => void warnings.push(reportOf(error).code),
    }),
  });
  await until("the attempt has ended", () => isMoved || later.length > 0);
  await mover.drain(1000);
  return { later, warnings, isMoved, told };
}

const refusedMove = (code: string, quietForMs: number) =>
  movedOnce({ seenMs: Date.now() - quietForMs }, () =>
    Promise.reject(machineError("it stays", { code, retryable: true })),
  );

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

test("a source that had to stay and is not there any more is kept no more, and its looks are counted from then on", async () => {
  const gone = async () => ({ kind: "gone" });
  const error = reportOf(machineError("it stays", { code: "move-open" }));
  const first = await movedOnce({ attempts: 40, error }, gone);
  assert.deepEqual(
    [first.isMoved, first.later, first.told],
    [false, [{ delayMs: 3_600_000, code: undefined }], 1],
  );
  assert.equal((await movedOnce({ attempts: 23 }, gone)).isMoved, false);
  const last = await movedOnce({ attempts: 24 }, gone);
  assert.deepEqual([last.isMoved, last.told], [true, 0]);
});
