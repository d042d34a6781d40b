import { existsSync } from "node:fs";
import { parentPort } from "node:worker_threads";

await import("../../../runtime/worker/start-thread.js");

const flag = process.env.CNNT_EDGE_TEST_HANG ?? "";
const shapes = new Set();
// The real listener only queues its work as a promise: this one, the second, still comes before the network.
parentPort?.on("message", ({ name, value }) => {
  if (name !== "run") return;
  // Not in the first run of a shape, which may take 15 minutes.
  const known = shapes.has(String(value.shape));
  shapes.add(String(value.shape));
  if (known && existsSync(flag)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
});
