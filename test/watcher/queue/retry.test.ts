import assert from "node:assert/strict";
import { test } from "node:test";
import { isEngineLoss } from "../../../watcher/ledger/held-faults.ts";
import { judgeFailure } from "../../../watcher/queue/failed-attempt.ts";

const failure = (code: string) => ({ kind: "machine", code, message: "it failed", retryable: true }) as const;

test("a job with which the engine was lost is tried once more, whatever is configured", () => {
  for (const code of ["engine-lost", "network-stuck", "network-lost"]) {
    assert.equal(judgeFailure(failure(code), 1, 5, false).kind, "again", code);
    assert.equal(judgeFailure(failure(code), 2, 5, false).kind, "parked", code);
    assert.ok(isEngineLoss(failure(code)));
  }
});

test("where memory ran out each attempt has smaller tiles: all that are configured are made", () => {
  const noMemory = failure("engine-memory");
  assert.ok(isEngineLoss(noMemory));
  const kinds = [1, 2, 3].map((attempt) => judgeFailure(noMemory, attempt, 3, false).kind);
  assert.deepEqual(kinds, ["again", "again", "parked"]);
});

test("a job that needs more memory than is free waits for it, however often", () => {
  for (const attempt of [1, 3, 100]) {
    assert.equal(judgeFailure(failure("memory-short"), attempt, 3, false).kind, "again", String(attempt));
  }
});
