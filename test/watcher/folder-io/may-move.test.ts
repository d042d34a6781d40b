import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import type { BigIntStats } from "node:fs";
import { stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import {
  type MoveQuestion,
  mtimeMsOf,
  objectionToMove,
  quietFactorUnseen,
} from "../../../watcher/folder-io/may-move.ts";
import { temporaryFolder } from "../temporary-folder.ts";

const facts = (change: Partial<BigIntStats> = {}): BigIntStats =>
  ({
    dev: 1n,
    ino: 2n,
    size: 10n,
    mtimeNs: 5_000_000_000n,
    ctimeNs: 6_000_000_000n,
    isFile: () => true,
    ...change,
  }) as BigIntStats;

const free: MoveQuestion = {
  members: [{ path: "/in/a.tif", facts: facts() }],
  denoised: { sizeBytes: 10, mtimeMs: 5000, quietForMs: 1000 },
  before: [{ path: "/in/a.tif", facts: facts() }],
  open: { writers: [], unseen: 0 },
  quietMs: 100,
};
const codeOf = (change: Partial<MoveQuestion>): string | undefined =>
  objectionToMove({ ...free, ...change })?.code;
const now = (change: Partial<BigIntStats>) => [{ path: "/in/a.tif", facts: facts(change) }];

test("a source that nobody writes to, and that is as it was, may be moved", () => {
  assert.equal(codeOf({}), undefined);
});

test("any one reason is enough for a source to stay", () => {
  const reasons: Partial<MoveQuestion>[] = [
    { open: { writers: ["python3 (7)"], unseen: 0 } },
    { members: now({ size: 11n }) },
    { members: now({ mtimeNs: 5_000_000_001n }) },
    { members: now({ ctimeNs: 6_000_000_001n }) },
    { members: now({ ino: 3n }) },
    { members: now({ dev: 3n }) },
    { members: now({ isFile: () => false }) },
    { members: [...free.members, ...free.members] },
    { denoised: { sizeBytes: 9, mtimeMs: 5000, quietForMs: 1000 } },
    { denoised: { sizeBytes: 10, mtimeMs: 4999, quietForMs: 1000 } },
    { open: { writers: [], unseen: 1 }, quietMs: 101 },
    { open: { writers: [], unseen: undefined }, quietMs: 101 },
  ];
  fc.assert(
    fc.property(fc.subarray(reasons, { minLength: 1 }), (some) => {
      assert.notEqual(codeOf(Object.assign({}, ...some)), undefined);
    }),
  );
});

test("where open files cannot be seen, ten quiet times are asked for", () => {
  const open = { writers: [], unseen: 3 };
  const quiet = (quietForMs: number) =>
    codeOf({ open, denoised: { sizeBytes: 10, mtimeMs: 5000, quietForMs }, quietMs: 100 });
  assert.equal(quiet(quietFactorUnseen * 100), undefined);
  assert.equal(quiet(quietFactorUnseen * 100 - 1), "move-not-quiet");
});

test("another name changes the ctime, and that alone", () => {
  assert.equal(codeOf({ members: now({ ctimeNs: 7n }), renamed: true }), undefined);
  assert.equal(
    codeOf({ members: now({ ctimeNs: 7n, size: 11n }), renamed: true, denoised: undefined }),
    "move-changed",
  );
});

test("the time of change is told as the ledger holds it", async () => {
  const path = join(await temporaryFolder(), "a");
  await writeFile(path, "");
  assert.equal(mtimeMsOf(await stat(path, { bigint: true })), (await stat(path)).mtimeMs);
});

test("so is one before 1970, whatever its fraction of a second", async () => {
  const path = join(await temporaryFolder(), "a");
  await writeFile(path, "");
  for (const time of ["1969-12-31 23:59:59.655573816Z", "1969-12-31 23:59:59.7Z", "1960-01-01 00:00:00.1Z"]) {
    execFileSync("touch", ["-d", time, path]);
    assert.equal(mtimeMsOf(await stat(path, { bigint: true })), (await stat(path)).mtimeMs, time);
  }
});
