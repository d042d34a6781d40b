import { writeSync } from "node:fs";
import { parentPort } from "node:worker_threads";

/**
 * Stands in for the network's thread: copies tiles, as the identity does, but does with those of jobs (all
 * but the first two) what CNNT_EDGE_TEST_NETWORK says.
 */
const act = process.env.CNNT_EDGE_TEST_NETWORK ?? "";
const warmUpRuns = 2;
let runs = 0;
const mostVoxels = 300_000;

parentPort?.on("message", (request) => {
  const { id, kind, input, output } = request;
  if (kind === "release" && act === "slow") {
    setTimeout(() => parentPort?.postMessage({ id, ok: true }), 200);
    return;
  }
  if (kind !== "run") {
    parentPort?.postMessage({ id, ok: true });
    if (kind === "close") parentPort?.close();
    return;
  }
  runs += 1;
  const ofJob = runs > warmUpRuns;
  if (ofJob && act === "hang") for (;;);
  if (ofJob && act === "crash") process.kill(process.pid, "SIGSEGV");
  if (ofJob && act === "die-of-memory" && input.length > mostVoxels) {
    writeSync(
      2,
      "terminate called after throwing an instance of 'std::bad_alloc'\n  what():  std::bad_alloc\n",
    );
    process.kill(process.pid, "SIGABRT");
  }
  if (ofJob && (act === "no-memory" || (act === "little-memory" && input.length > mostVoxels))) {
    const message = "the network found too little memory for one tile";
    const error = { kind: "machine", code: "network-memory", message, retryable: false };
    parentPort?.postMessage({ id, ok: false, error });
    return;
  }
  output.set(input);
  if (ofJob && act === "slow") {
    setTimeout(() => parentPort?.postMessage({ id, ok: true, outputShape: [], seconds: 0.8 }), 800);
    return;
  }
  parentPort?.postMessage({ id, ok: true, outputShape: [], seconds: 0.001 });
});
