import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Job } from "../../watcher/ledger/job.ts";
import { type CommandIo, near } from "../command/command.ts";
import { describeDuration } from "../words/progress.ts";

/** `watch --demo`: a simulated microscope, and where its first result lies. */

const program = fileURLToPath(new URL("../cnnt-edge.js", import.meta.url));

export interface DemoOptions {
  /** Between the two stacks. */
  readonly intervalS: number;
  /** Takes the bar of the running job away before something else is written. */
  readonly clear: () => void;
}

/** Writes two small stacks into a watch folder, as a microscope would, in a process of its own, and says when it ended. */
export function playMicroscope(folder: string, io: CommandIo, { intervalS, clear }: DemoOptions): void {
  const seed = Math.floor(Date.now() / 1000) % 2 ** 31;
  const options = `--shape 8,128,128 --count 2 --interval ${intervalS} --seed ${seed}`;
  const microscope = spawn(process.execPath, [program, "simulate", "--out", folder, ...options.split(" ")], {
    stdio: ["ignore", "ignore", "inherit"],
    signal: io.signal,
  });
  io.stdout.write(`  demo: a simulated microscope writes two stacks into ${near(folder)}\n`);
  // A second Ctrl-C ends this process before the signal is heard.
  const kill = (): void => void microscope.kill();
  process.once("exit", kill);
  microscope.once("exit", (code) => {
    process.off("exit", kill);
    if (io.signal.aborted) return;
    const how = code === 0 ? "both stacks are written, and the demo has ended" : "the microscope has failed";
    clear();
    io.stdout.write(`  demo: ${how}. The daemon goes on watching ${near(folder)}; press Ctrl-C to stop it\n`);
  });
  // A microscope that cannot be played leaves the daemon at work.
  microscope.on("error", (error) => {
    if (!io.signal.aborted) io.stderr.write(`demo: ${error.message}\n`);
  });
}

/** Tells of the first job that is done, and what to look at. */
export function showFirst(io: CommandIo): (job: Job) => void {
  let shown = false;
  return (job) => {
    if (shown || job.status !== "done" || job.outcome === undefined) return;
    shown = true;
    io.stdout.write(
      `  demo: first result after ${describeDuration(job.outcome.elapsedS)}: ${near(job.outcome.output)}\n` +
        `        open it beside ${job.source} in Fiji or napari\n`,
    );
  };
}
