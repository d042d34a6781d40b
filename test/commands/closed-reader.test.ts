import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { test } from "node:test";

const root = resolve(import.meta.dirname, "../..");

test("a reader that has seen enough is no failure, and there is no stack trace", () => {
  const program = `"${process.execPath}" bin/cnnt-edge.js`;
  // The reader is gone before the first word.
  const command = `{ sleep 0.2; ${program} info models/identity models/default; echo "code $?" >&2; } | true`;
  const { stderr } = spawnSync("bash", ["-c", command], { cwd: root, encoding: "utf8" });
  assert.equal(stderr, "code 0\n");
});

test("a full disk below the output ends no work, and is told, also by the exit code", {
  skip: existsSync("/dev/full") ? false : "needs /dev/full",
}, () => {
  const command = `"${process.execPath}" bin/cnnt-edge.js info models/identity > /dev/full; echo "code $?" >&2`;
  const { stderr } = spawnSync("bash", ["-c", command], { cwd: root, encoding: "utf8" });
  assert.equal(stderr, "cnnt-edge: standard output cannot be written (ENOSPC): words are lost\ncode 1\n");
});
