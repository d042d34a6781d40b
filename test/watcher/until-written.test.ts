import assert from "node:assert/strict";
import { test } from "node:test";
import { machineError } from "../../core/errors.ts";
import { createDaemonLog } from "../../watcher/daemon-log.ts";
import { untilWritten } from "../../watcher/until-written.ts";

const full = machineError("the ledger cannot be used", { code: "ledger-unusable" });

function ledgerThatFails(times: number, error: Error) {
  let asked = 0;
  return async () => {
    asked += 1;
    if (asked <= times) throw error;
    return asked;
  };
}

test("what has ended is written down once the ledger can be used again, and that it cannot is told once", async () => {
  const told: string[] = [];
  const log = createDaemonLog({
    info: () => undefined,
    problem: (_, error) => void told.push(error instanceof Error ? error.message : ""),
  });
  assert.equal(await untilWritten(ledgerThatFails(2, full), { log, isEnding: () => false }), 3);
  assert.deepEqual(told, ["the ledger cannot be used"]);
  await assert.rejects(untilWritten(ledgerThatFails(9, full), { log, isEnding: () => true }), full);
  const other = machineError("another", { code: "another" });
  await assert.rejects(untilWritten(ledgerThatFails(1, other), { log, isEnding: () => false }), other);
});
