import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { getPriority } from "node:os";
import { resolve } from "node:path";
import { test } from "node:test";
import { startEngine } from "../../../runtime/engine/host.ts";

const model = resolve(import.meta.dirname, "../../../models/identity");
const low = 5;
const skip = !existsSync("/proc/self/task")
  ? "priorities of threads are read from /proc"
  : getPriority() >= low && "these tests themselves have a low priority";

/** The nice value of a process's first thread, or of another one (proc(5), stat, field 19). */
function niceOf(pid: number, thread: string | number = pid): number {
  const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, "utf8");
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[16]);
}

async function niceOfEngine(lowPriority: boolean): Promise<{ main: number; threads: number[] }> {
  const engine = startEngine({ models: [model], providers: ["cpu"], intraOpThreads: 3, lowPriority });
  try {
    const { pid } = await engine.ready();
    return {
      main: niceOf(pid),
      threads: readdirSync(`/proc/${pid}/task`).map((thread) => niceOf(pid, thread)),
    };
  } finally {
    await engine.stop();
  }
}

test("an engine of low priority lets other programs go first, with its own thread and those of the network", {
  skip,
}, async () => {
  const [normal, lowered] = [await niceOfEngine(false), await niceOfEngine(true)];
  assert.equal(lowered.main, low);
  // The worker, and the two threads that the runtime adds to it.
  const count = lowered.threads.filter((nice) => nice === low).length;
  assert.ok(count >= 4, `threads at ${lowered.threads.join(", ")}`);
  assert.ok(normal.threads.every((nice) => nice === normal.main));
});
