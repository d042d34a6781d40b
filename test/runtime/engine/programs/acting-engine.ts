import type { EngineDuties, HostDuties } from "../../../../runtime/engine/engine-duties.ts";
import { interrupted } from "../../../../runtime/job/interrupted.ts";
import { connect } from "../../../../runtime/worker/connect.ts";
import { parentOfProcess } from "../../../../runtime/worker/process-channel.ts";
import { outcomeOf } from "../../../watcher/outcome-of.ts";

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
