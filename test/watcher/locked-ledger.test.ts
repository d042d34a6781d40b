import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import LibsqlDatabase from "libsql";
import type { DaemonEvents } from "../../watcher/events/daemon-events.ts";
import { createDaemonLog } from "../../watcher/events/daemon-log.ts";
import { createEvents } from "../../watcher/events/event-map.ts";
import { ledgerReads, openLedger } from "../../watcher/ledger/ledger.ts";
import { createWaitingLedger } from "../../watcher/waiting-ledger.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { until } from "./until.ts";

test("while another program holds the ledger, what is only read is answered, what is to be written waits, and the remedy names the cause", async (t) => {
  const folder = await temporaryFolder();
  const own = await openLedger(folder, () => assert.fail("the ledger was lost"));
  t.after(own.close);
  const events = createEvents<DaemonEvents>((error) => assert.fail(String(error)));
  const told: string[] = [];
  const log = createDaemonLog({
    info: (text) => void told.push(text),
    problem: (level) => void told.push(level),
  });
  const { ledger, trouble, end } = createWaitingLedger(events, { ledger: own, log, lookMs: 60_000 });
  t.after(end);

  const other = new LibsqlDatabase(join(folder, "ledger.sqlite"));
  t.after(() => other.close());
  other.exec("BEGIN IMMEDIATE");
  const reads: Record<string, () => Promise<unknown>> = {
    knownFiles: () => ledger.knownFiles("f"),
    waitingFiles: () => ledger.waitingFiles("f"),
    peek: () => ledger.peek("f", "newest"),
    freeNames: () => ledger.freeNames("0", ["a"]),
    nextMove: () => ledger.nextMove("f"),
    nextSuperseded: () => ledger.nextSuperseded("f"),
    oldResults: () => ledger.oldResults("f", 0, 1),
    keptSources: ledger.keptSources,
    job: () => ledger.job("0"),
    counts: ledger.counts,
    unpublished: () => ledger.unpublished(1),
    oldSources: () => ledger.oldSources("f", 0, "", 1),
    lastEnded: ledger.lastEnded,
    mountPoint: () => ledger.mountPoint("f", "/"),
    retainedTopics: ledger.retainedTopics,
    pausedFolders: ledger.pausedFolders,
  };
  assert.deepEqual(Object.keys(reads).sort(), [...ledgerReads].sort());
  for (const read of Object.values(reads)) await read();

  const write = ledger.rememberRetained("topic");
  const { message, remedy = "" } = await until("there is trouble", trouble);
  assert.match(message, /another program holds the ledger/);
  assert.match(remedy, /backup.*sqlite3.*goes on by itself/);
  assert.doesNotMatch(remedy, /chown/);
  other.exec("ROLLBACK");
  await write;
  assert.deepEqual(await ledger.retainedTopics(), ["topic"]);
  assert.deepEqual(told, ["warn", "the ledger can be written again"]);
});
