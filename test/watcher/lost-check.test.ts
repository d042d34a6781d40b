import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createModelChecks } from "../../watcher/models/models.ts";
import { repository } from "./running-daemon.ts";

const identity = join(repository, "models/identity");

/** Of a process that may be gone. Not by the threads that read files: those wait while the model is hashed. */
function commandLineOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}

/** Kills the first `count` processes that run a model for this one, until `check` has ended. */
async function killChecks(count: number, check: () => Promise<unknown>): Promise<number> {
  const killed = new Set<number>();
  const children = (): number[] =>
    readFileSync(`/proc/self/task/${process.pid}/children`, "utf8").split(" ").map(Number);
  // One of an earlier test may not have ended quite.
  const others = new Set(children());
  let ended = false;
  const end = check().finally(() => {
    ended = true;
  });
  while (!ended && killed.size < count) {
    for (const pid of children()) {
      if (pid === 0 || killed.has(pid) || others.has(pid)) continue;
      if (!commandLineOf(pid).includes("run-tensor-child")) continue;
      process.kill(pid, "SIGKILL");
      killed.add(pid);
    }
    await sleep(2);
  }
  await end;
  return killed.size;
}

const newChecks = () =>
  createModelChecks({
    dirs: () => [identity],
    signal: new AbortController().signal,
    everyCalls: 1000,
    onNews: () => undefined,
  });

test("a model check whose process is killed is repeated at once", async () => {
  const checks = newChecks();
  assert.equal(await killChecks(1, () => checks.all("cpu")), 1);
  assert.deepEqual(
    checks.models().map((model) => ("error" in model ? model.error : model.dir)),
    [identity],
  );
});

test("one that is killed again is said to be lost, with a remedy for its provider, and repeated at the next look", async () => {
  const checks = newChecks();
  assert.equal(await killChecks(2, () => checks.all("cpu")), 2);
  const [lost] = checks.models();
  assert.ok(lost !== undefined && "error" in lost);
  assert.equal(lost.error.code, "tensor-process-lost");
  assert.doesNotMatch(String(lost.error.remedy), /--provider cpu/);
  assert.match(String(lost.error.remedy), /memory/);
  assert.equal(await checks.changed("cpu"), true);
  assert.ok(checks.models().every((model) => "package" in model));
});
