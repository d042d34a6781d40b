import { connect } from "../../../../runtime/worker/connect.ts";
import { parentOfProcess } from "../../../../runtime/worker/process-channel.ts";

/** A process that ends in the way that it is told to. */
export interface EndingDuties {
  readonly end: { readonly ask: "exit" | "signal" | "error"; readonly answer: undefined };
}

connect<object, EndingDuties>(
  parentOfProcess,
  {
    end: (how) => {
      if (how === "error") throw new Error("it does not end");
      process.stderr.write("a last word\n", () => {
        if (how === "exit") process.exit(3);
        process.kill(process.pid, "SIGTERM");
      });
      return new Promise<never>(() => undefined);
    },
  },
  () => process.exit(),
);
