import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { machineError } from "../../core/errors.ts";
import type { DaemonEvents } from "../../watcher/events/daemon-events.ts";
import { createDaemonLog } from "../../watcher/events/daemon-log.ts";
import { createEvents } from "../../watcher/events/event-map.ts";
import type { Ledger } from "../../watcher/ledger/ledger.ts";
import { createWaitingLedger } from "../../watcher/waiting-ledger.ts";
import { until } from "./until.ts";

const full = machineError("the disk of the ledger is full", {
  code: "ledger-unusable",
  remedy: "Free some space",
});

function ledgerOnADisk(t: TestContext, lookMs: number) {
  const disk = { error: undefined as Error | undefined, written: [] as string[] };
  const told: string[] = [];
  let changes = 0;
  const write = async (what: string): Promise<void> => {
    if (disk.error !== undefined) throw disk.error;
    disk.written.push(what);
  };
  const calls = {
    tryWriting: () => write("nothing"),
    start: write,
    markPublished: write,
    forgetRetained: write,
    counts: async () => "counted",
  };
  const log = createDaemonLog({
    info: (text) => void told.push(text),
    problem: (_, error) => void told.push(error instanceof Error ? error.message : ""),
  });
  const events = createEvents<DaemonEvents>((error) => assert.fail(String(error)));
  events.on("ledgerChanged", () => {
    changes += 1;
  });
  const waiting = createWaitingLedger(events, {
    ledger: calls as unknown as Ledger,
    log,
    lookMs,
  });
  t.after(waiting.end);
  return { ...waiting, disk, told, changes: () => changes };
}

test("what is to be written waits for a full disk and is written in its order, and that is told once", async (t) => {
  const { ledger, trouble, disk, told, changes } = ledgerOnADisk(t, 60_000);
  disk.error = full;
  const writes = [ledger.markPublished("1"), ledger.forgetRetained("2"), ledger.markPublished("3")];
  await until("there is trouble", () => trouble() !== undefined);
  assert.equal(await ledger.counts(), "counted");
  assert.match(trouble()?.remedy ?? "", /^Free some space\. The daemon goes on by itself$/);
  await assert.rejects(ledger.start("4", []), full);
  disk.error = undefined;
  await Promise.all(writes);
  assert.deepEqual(disk.written, ["nothing", "1", "2", "3"]);
  assert.equal(trouble(), undefined);
  assert.deepEqual(told, ["the disk of the ledger is full", "the ledger can be written again"]);
  assert.equal(changes(), 2);
});

test("another reason for which nothing can be written is told too", async (t) => {
  const { ledger, trouble, disk, told, changes } = ledgerOnADisk(t, 60_000);
  disk.error = full;
  const write = ledger.markPublished("1");
  await until("there is trouble", () => trouble() !== undefined);
  disk.error = machineError("another program holds the ledger", { code: "ledger-unusable" });
  await until("the other reason is given", () => trouble()?.message === "another program holds the ledger");
  assert.equal(changes(), 2);
  disk.error = undefined;
  await write;
  assert.deepEqual(told, [
    "the disk of the ledger is full",
    "another program holds the ledger",
    "the ledger can be written again",
  ]);
});

test("a full disk is found also where nothing is to be written", async (t) => {
  const { trouble, disk } = ledgerOnADisk(t, 10);
  disk.error = full;
  await until("there is trouble", () => trouble() !== undefined);
  disk.error = undefined;
  await until("all is well", () => trouble() === undefined);
});

test("nothing waits once the daemon ends, nor for another error", async (t) => {
  const { ledger, trouble, end, disk } = ledgerOnADisk(t, 60_000);
  const other = machineError("another", { code: "another" });
  disk.error = other;
  await assert.rejects(ledger.markPublished("1"), other);
  assert.equal(trouble(), undefined);
  disk.error = full;
  const waits = ledger.markPublished("2");
  await until("there is trouble", () => trouble() !== undefined);
  end();
  await assert.rejects(waits, full);
  await assert.rejects(ledger.markPublished("3"), full);
});
