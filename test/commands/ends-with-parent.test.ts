import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { asShipped } from "../as-shipped.ts";
import { runHere } from "./run-command.ts";

/** Whatever ends a command, at whatever moment after it started a process of its own: that process ends too. */

const root = resolve(import.meta.dirname, "../..");
const program = join(root, "bin/cnnt-edge.js");
const identity = join(root, "models/identity");
const scratch = mkdtempSync(join(tmpdir(), "ends-"));
const input = join(scratch, "simulated-0001.ome.tif");
/** Far more than any of them needs to end, on a busy machine. */
const mostWaitMs = 20_000;
after(() => rmSync(scratch, { recursive: true, force: true }));

before(async () => {
  const { code, stderr } = await runHere(["simulate", "--out", scratch, "--shape", "8,64,64"]);
  assert.equal(code, 0, stderr);
});

/** The processes of a group that live; one that has ended and was not yet waited for does not. */
function livingOf(group: number): number[] {
  return readdirSync("/proc").flatMap((entry) => {
    if (!/^\d+$/.test(entry)) return [];
    try {
      // pid (name) state parent group
      const [state, , ownGroup] =
        readFileSync(`/proc/${entry}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? [];
      return Number(ownGroup) === group && state !== "Z" ? [Number(entry)] : [];
    } catch {
      return [];
    }
  });
}

function start(args: readonly string[], env: NodeJS.ProcessEnv): ChildProcess & { readonly pid: number } {
  const child = spawn(process.execPath, [program, ...args], { detached: true, stdio: "ignore", env });
  assert.ok(child.pid !== undefined);
  return Object.assign(child, { pid: child.pid });
}

/** Starts a command in a group of its own, ends it so long after its first own process, and waits for that one's end. */
async function endsWithIt(
  args: readonly string[],
  afterMs: number,
  end: (pid: number) => void,
  env: NodeJS.ProcessEnv = process.env,
): Promise<void> {
  const child = start(args, env);
  const ended = once(child, "exit");
  try {
    while (child.exitCode === null && livingOf(child.pid).length < 2) await delay(5);
    await delay(afterMs);
    end(child.pid);
    await ended;
    const deadline = performance.now() + mostWaitMs;
    while (livingOf(child.pid).length > 0 && performance.now() < deadline) await delay(50);
    assert.deepEqual(livingOf(child.pid), [], `${args[0]}, ended ${afterMs} ms after its first process`);
  } finally {
    for (const pid of livingOf(child.pid)) signal(pid, "SIGKILL");
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It was done already.
  }
}

const kill9 = (pid: number): void => signal(pid, "SIGKILL");
const hangUp = (pid: number): void => signal(pid, "SIGHUP");
const twice = (pid: number): void => {
  signal(pid, "SIGTERM");
  setTimeout(() => signal(pid, "SIGTERM"), 20);
};

/** Before tsx is there, while the modules are loaded, and when all stands. */
const momentsMs = [0, 150, 600];
let folders = 0;

const commands: Readonly<Record<string, () => readonly string[]>> = {
  "the engine of denoise": () => [
    "denoise",
    input,
    "--model",
    identity,
    "--overwrite",
    "--out",
    join(scratch, "out"),
  ],
  "the process that verifies": () => ["verify", identity],
  "the processes of the daemon": () => {
    folders += 1;
    const own = join(scratch, `watch-${folders}`);
    mkdirSync(join(own, "in"), { recursive: true });
    const places = ["--in", join(own, "in"), "--out", join(own, "out"), "--state", join(own, "state")];
    return ["watch", ...places, "--model", identity, "--mqtt-port", "0"];
  },
};

for (const [what, args] of Object.entries(commands)) {
  test(`${what} ends with it, whenever it is killed`, async () => {
    await Promise.all(momentsMs.map((ms) => endsWithIt(args(), ms, kill9, asShipped())));
  });
}
for (const [name, end] of Object.entries({ "a second signal": twice, SIGHUP: hangUp })) {
  test(`${name} leaves no process`, async () => {
    await Promise.all(Object.values(commands).map((args) => endsWithIt(args(), 100, end)));
  });
}
