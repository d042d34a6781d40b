// Preloaded into a daemon by bench/flood.ts: writes how late its event loop was, when the daemon ends.
import { writeFileSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { isMainThread } from "node:worker_threads";

const file = process.env.CNNT_EDGE_FLOOD_DELAYS;
if (isMainThread && process.argv[1]?.endsWith("bin/cnnt-edge.js") && file !== undefined) {
  const resolution = 1;
  const delay = monitorEventLoopDelay({ resolution });
  // Not the start, which compiles and loads.
  setTimeout(() => delay.enable(), 15_000).unref();
  // The histogram counts the timer's own period in.
  const ms = (nanoseconds) => nanoseconds / 1e6 - resolution;
  process.on("exit", () =>
    writeFileSync(file, JSON.stringify({ p999Ms: ms(delay.percentile(99.9)), longestMs: ms(delay.max) })),
  );
}
