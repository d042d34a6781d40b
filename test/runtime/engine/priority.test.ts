import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { test } from "node:test";
import { startEngine } from "../../../runtime/engine/host.ts";

const model = resolve(import.meta.dirname, "../../../models/identity");
const skip = existsSync("/proc/self/task") ? false : "priorities of threads are read from /proc";

/** The nice value of each thread, lowest first (proc(5), stat, field 19). */
function niceOfThreads(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`)
    .map((thread) => {
      const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, "utf8");
      return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[16]);
    })
    .sort((a, b) => a - b);
}

async function niceOfEngine(lowPriority: boolean): Promise<{ main: number; threads: number[] }> {
  const engine = startEngine({ models: [model], providers: ["cpu"], intraOpThreads: 3, lowPriority });
  try {
    const { pid } = await engine.ready();
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const main = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[16]);
    return { main, threads: niceOfThreads(pid) };
  } finally {
    await engine.stop();
  }
}

test("an engine of low priority lets other programs go first, with its own thread and those of the network", {
  skip,
}, async () => {
  const [normal, low] = [await niceOfEngine(false), await niceOfEngine(true)];
  assert.equal(low.main, Math.max(normal.main, 5));
  // The worker, and the two threads that the runtime adds to it.
  const lowered = low.threads.filter((nice) => nice === low.main).length;
  assert.ok(lowered >= 4, `threads at ${low.threads.join(", ")}`);
  assert.ok(normal.threads.every((nice) => nice === normal.main));
});
