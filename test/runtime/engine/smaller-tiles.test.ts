import assert from "node:assert/strict";
import { test } from "node:test";
import { machineError } from "../../../core/errors.ts";
import { withSmallerTiles } from "../../../runtime/engine/smaller-tiles.ts";

function failing(times: number, code: string): () => Promise<number> {
  let runs = 0;
  return async () => {
    runs += 1;
    if (runs <= times) throw machineError("the engine process was lost", { code });
    return runs;
  };
}

test("a job whose engine died for lack of memory is run again until it fits", async () => {
  const told: unknown[] = [];
  const runs = await withSmallerTiles(failing(2, "engine-memory"), async (error) => {
    told.push(error);
  });
  assert.equal(runs, 3);
  assert.equal(told.length, 2);
});

test("it is given up after five attempts, and other losses at once", async () => {
  let told = 0;
  const again = async (): Promise<void> => {
    told += 1;
  };
  await assert.rejects(withSmallerTiles(failing(99, "engine-memory"), again), { code: "engine-memory" });
  assert.equal(told, 4);
  await assert.rejects(withSmallerTiles(failing(1, "engine-lost"), again), { code: "engine-lost" });
  assert.equal(told, 4);
});
