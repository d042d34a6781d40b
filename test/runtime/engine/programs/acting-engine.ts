import type { EngineDuties, HostDuties } from "../../../../runtime/engine/engine-duties.ts";
import type { DenoiseOutcome } from "../../../../runtime/job/denoise-job.ts";
import { interrupted } from "../../../../runtime/job/interrupted.ts";
import { connect } from "../../../../runtime/worker/connect.ts";
import { parentOfProcess } from "../../../../runtime/worker/process-channel.ts";

/** Stands in for the engine process and does what the name of the job's input says. */

process.on("SIGTERM", () => undefined);
const host = connect<HostDuties, EngineDuties>(
  parentOfProcess,
  {
    start: () => ({ pid: process.pid, runtimeVersion: "0", networkVoxelsPerS: 1 }),
    stop: () => undefined,
    denoise: ({ input, output }, { signal }) => {
      const forEver = new Promise<never>((_, reject) => {
        signal.addEventListener("abort", () => reject(interrupted()));
      });
      switch (input) {
        case "crash":
          process.stderr.write("libfoo.so.1: cannot open\n", () => process.kill(process.pid, "SIGSEGV"));
          return forEver;
        case "hang":
          for (;;);
        case "lie":
          process.send?.({ kind: "nonsense" });
          return forEver;
        case "wait":
          return forEver;
        default:
          return outcomeOf(output);
      }
    },
  },
  () => process.exit(),
);
setInterval(() => host.tell("heartbeat", undefined), 100);

function outcomeOf(output: string): DenoiseOutcome {
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
