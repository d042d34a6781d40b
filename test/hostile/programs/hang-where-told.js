// Loaded into every process of a daemon (NODE_OPTIONS --import); only the engine's process makes the thread that is
// replaced here: by the real one, behind a listener that blocks it for good while CNNT_EDGE_TEST_HANG exists.
import { syncBuiltinESMExports } from "node:module";
import threads from "node:worker_threads";

const { Worker } = threads;
const hanging = new URL("./hanging-ort-worker.js", import.meta.url);

threads.Worker = class extends Worker {
  constructor(program, options) {
    super(options?.argv?.[0]?.endsWith("/engine/ort-worker.ts") ? hanging : program, options);
  }
};
syncBuiltinESMExports();
