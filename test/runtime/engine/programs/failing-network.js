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

parentPort?.on("message", ({ id, name, value: asked }) => {
  const answer = (value) => parentPort?.postMessage({ kind: "answer", id, value });
  if (name === "release" && act === "slow") {
    setTimeout(answer, 200);
    return;
  }
  if (name !== "run") {
    answer();
    return;
  }
  const { input, output } = asked;
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
    const error = { kind: "machine", message, fields: { code: "network-memory", retryable: false } };
    parentPort?.postMessage({ kind: "refusal", id, error });
    return;
  }
  output.set(input);
  if (ofJob && act === "slow") {
    setTimeout(() => answer(0.8), 800);
    return;
  }
  answer(0.001);
});
