import { Command, CommanderError } from "commander";
import { describeError, isEdgeError } from "../core/errors.ts";
import { productVersion } from "../runtime/machine/product-version.ts";
import { type CommandAction, type CommandIo, type DefineCommand, exitCodes } from "./command/command.ts";
import { defineBench } from "./commands/bench.ts";
import { defineCalibrate } from "./commands/calibrate.ts";
import { defineCompare } from "./commands/compare.ts";
import { defineDenoise } from "./commands/denoise.ts";
import { defineDoctor } from "./commands/doctor.ts";
import { defineExport } from "./commands/export.ts";
import { defineGpu } from "./commands/gpu.ts";
import { defineInfo } from "./commands/info.ts";
import { defineQueue } from "./commands/queue.ts";
import { defineSimulate } from "./commands/simulate.ts";
import { defineVerify } from "./commands/verify.ts";
import { defineWatch } from "./commands/watch.ts";

/** Ctrl-C, a service manager, a terminal that was closed. */
const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Most commands need none, and load nothing of it. */
const startEngineProcess: CommandIo["startEngine"] = async (options) => {
  const { startEngine } = await import("../runtime/engine/host.ts");
  return startEngine(options);
};

/** Runs one command line and returns its exit code. Never throws. */
export async function main(
  args: readonly string[],
  { stdout, stderr }: Pick<CommandIo, "stdout" | "stderr"> = process,
  startEngine: CommandIo["startEngine"] = startEngineProcess,
): Promise<number> {
  // Others on the machine see the arguments of a process: not those that hold a user and a password.
  if (args.some((argument) => /:\/\/.*@/.test(argument))) process.title = `cnnt-edge ${args[0] ?? ""}`;
  const interrupt = new AbortController();
  const onSignal = (): void => {
    // A second signal takes the process down at once.
    if (interrupt.signal.aborted) process.exit(exitCodes.interrupted);
    interrupt.abort();
  };
  for (const signal of signals) process.on(signal, onSignal);

  let exitCode: number = exitCodes.done;
  const io: CommandIo = { stdout, stderr, signal: interrupt.signal, startEngine };
  const act = async (action: CommandAction): Promise<void> => {
    exitCode = await action();
  };

  const program = new Command("cnnt-edge")
    .description("Denoises fast, low-SNR microscopy while the sample is still alive.")
    .version(productVersion)
    // `queue` and its own commands have options of the same names.
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({ writeOut: (text) => stdout.write(text), writeErr: (text) => stderr.write(text) })
    .showHelpAfterError("(--help shows what there is)");
  for (const define of commands) define(program, io, act);

  try {
    await program.parseAsync([...args], { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
    if (interrupt.signal.aborted) {
      io.stderr.write("interrupted\n");
      return exitCodes.interrupted;
    }
    io.stderr.write(`cnnt-edge: ${describeError(error)}\n`);
    if (process.env["CNNT_EDGE_DEBUG"] !== undefined && error instanceof Error)
      io.stderr.write(`${error.stack}\n`);
    return isEdgeError(error) && error.kind === "usage" ? exitCodes.usage : exitCodes.failed;
  } finally {
    for (const signal of signals) process.off(signal, onSignal);
  }
}

/** The commands in the order in which `--help` lists them. Their modules load heavy parts only when run. */
export const commands: readonly DefineCommand[] = [
  defineWatch,
  defineQueue,
  defineDenoise,
  defineCalibrate,
  defineCompare,
  defineInfo,
  defineExport,
  defineVerify,
  defineSimulate,
  defineBench,
  defineDoctor,
  defineGpu,
];
