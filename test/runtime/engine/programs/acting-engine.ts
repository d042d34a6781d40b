import type { FromEngine, ToEngine } from "../../../../runtime/engine/protocol.ts";

/** Stands in for the engine process and does what the name of the job's input says. */

const send = (message: FromEngine | { kind: "nonsense" }): void => void process.send?.(message);

process.on("SIGTERM", () => undefined);
process.on("message", (message: ToEngine) => {
  if (message.kind === "start") {
    send({ kind: "ready", warmUp: { pid: process.pid, runtimeVersion: "0", networkVoxelsPerS: 1 } });
  }
  if (message.kind === "abort") {
    const error = { kind: "machine", code: "interrupted", message: "interrupted", retryable: true } as const;
    send({ kind: "failed", id: message.id, error });
  }
  if (message.kind !== "denoise") return;
  switch (message.job.input) {
    case "crash":
      process.stderr.write("libfoo.so.1: cannot open\n", () => process.kill(process.pid, "SIGSEGV"));
      return;
    case "hang":
      for (;;);
    case "lie":
      send({ kind: "nonsense" });
      return;
    case "wait":
      return;
    default:
      send({ kind: "done", id: message.id, outcome: outcomeOf(message.job.output) });
  }
});

function outcomeOf(output: string): Extract<FromEngine, { kind: "done" }>["outcome"] {
  return {
    output,
    outputBytes: 1,
    sourceSha256: "",
    provider: "cpu",
    tile: [1, 1, 1],
    overlap: [0, 0, 0],
    voxels: 1,
    elapsedS: 0,
    networkS: 0,
    clippedShare: 0,
    notes: [],
  };
}
