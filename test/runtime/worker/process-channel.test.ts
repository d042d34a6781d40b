import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { connect } from "../../../runtime/worker/connect.ts";
import { startProcess } from "../../../runtime/worker/process-channel.ts";
import type { EndingDuties } from "./programs/ending.ts";

const program = new URL("./programs/ending.ts", import.meta.url);

function start() {
  const child = startProcess(program, { stderr: "pipe" });
  const peer = connect<EndingDuties, object>(child, {});
  return { child, peer };
}

test("what was asked of a process that dies is refused, and says how it ended and its last words", async () => {
  const ends = {
    exit: "exit code 3; its last output: a last word",
    signal: "ended by SIGTERM; its last output: a last word",
  };
  const tried = Object.entries(ends).map(async ([how, message]) => {
    const { child, peer } = start();
    await assert.rejects(peer.ask("end", how as keyof typeof ends), { message });
    assert.equal((await child.ended).killedByUs, false);
    await assert.rejects(peer.ask("end", "exit"), { message });
  });
  await Promise.all(tried);
});

test("a process that was killed says why, and one that goes on answers", async () => {
  const { child, peer } = start();
  await assert.rejects(peer.ask("end", "error"), { message: "it does not end" });
  child.kill("it was no longer needed");
  const { how, signal, killedByUs } = await child.ended;
  assert.deepEqual([how, signal, killedByUs], ["it was no longer needed", "SIGKILL", true]);
});

test("a process of another version than its parent's ends at once, and says what to do", () => {
  const tsx = import.meta.resolve("tsx");
  const { status, stderr } = spawnSync(process.execPath, ["--import", tsx, fileURLToPath(program), "0.0.1"], {
    encoding: "utf8",
  });
  assert.equal(status, 1);
  assert.match(
    stderr,
    /^version 0\.0\.1 of cnnt-edge started a process of version .*: start cnnt-edge again$/m,
  );
});
