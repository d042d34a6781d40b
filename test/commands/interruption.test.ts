import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { runCommand, runHere } from "./run-command.ts";

const program = resolve(import.meta.dirname, "../../bin/cnnt-edge.js");
const scratch = mkdtempSync(join(tmpdir(), "interruption-"));
const input = join(scratch, "simulated-0001.ome.tif");
after(() => rmSync(scratch, { recursive: true }));

before(async () => {
  // Long enough for the shipped model that the test is always first.
  const { code, stderr } = await runHere([
    "simulate",
    "--out",
    scratch,
    "--shape",
    "60,256,256",
    "--scene",
    "ramp",
  ]);
  assert.equal(code, 0, stderr);
});

/** Starts a long `denoise` in a process group of its own and waits until its result is being written. */
async function startDenoise(out: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, [program, "denoise", input, "--out", out, "--threads", "1"], {
    detached: true,
    stdio: "ignore",
  });
  while (filesIn(out).length === 0) {
    assert.equal(child.exitCode, null, "denoise ended before it wrote");
    await delay(20);
  }
  return child;
}

function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Whether any process of the group is left. */
function groupLives(pid: number): boolean {
  try {
    process.kill(-pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function untilGone(pid: number): Promise<void> {
  while (groupLives(pid)) await delay(20);
}

test("Ctrl-C ends denoise with 130 and leaves nothing", async () => {
  const out = join(scratch, "ctrl-c");
  const child = await startDenoise(out);
  assert.ok(child.pid !== undefined);
  // A terminal sends it to the whole group, the engine included.
  process.kill(-child.pid, "SIGINT");
  const [code] = await once(child, "exit");
  assert.equal(code, 130);
  await untilGone(child.pid);
  assert.deepEqual(filesIn(out), []);
});

test("an engine whose parent was killed removes what it was writing and ends", async () => {
  const out = join(scratch, "orphan");
  const child = await startDenoise(out);
  assert.ok(child.pid !== undefined);
  child.kill("SIGKILL");
  await once(child, "exit");
  await untilGone(child.pid);
  assert.deepEqual(filesIn(out), []);
});

test("kill -9 of all processes leaves nothing under a final name, and the next run clears it away", async () => {
  const out = join(scratch, "kill-9");
  const child = await startDenoise(out);
  assert.ok(child.pid !== undefined);
  process.kill(-child.pid, "SIGKILL");
  await once(child, "exit");
  await untilGone(child.pid);
  const left = filesIn(out);
  assert.notEqual(left.length, 0, "nothing was half written");
  for (const name of left) assert.match(name, /^\.cnnt-edge-.*\.partial$/);
  const missing = await runCommand(["denoise", join(scratch, "missing.tif"), "--out", out]);
  assert.equal(missing.code, 1);
  assert.deepEqual(filesIn(out), []);
});
