import { totalmem } from "node:os";
import { fileURLToPath } from "node:url";
import type { WarmUpResult } from "../../runtime/job/denoise-job.ts";
import { productVersion } from "../../runtime/machine/product-version.ts";
import type { WatchFlags } from "../../watcher/config/flags.ts";
import type { DaemonConfig } from "../../watcher/config/resolve.ts";
import type { Daemon } from "../../watcher/daemon.ts";
import type { Model } from "../../watcher/models/models.ts";
import { type CommandIo, type DefineCommand, exitCodes, near } from "../command/command.ts";
import { type ConfigChoice, chooseConfig, systemConfig } from "../given/system-config.ts";
import { providerOption, wholeNumber } from "../options/option-values.ts";

interface WatchOptions extends WatchFlags {
  readonly config?: string;
  readonly demo?: true;
  readonly jsonLog?: true;
}

/** Long enough that the first stack's result can be seen to come before the second stack. */
const demoIntervalS = 10;

const install = fileURLToPath(new URL("../..", import.meta.url));

export const defineWatch: DefineCommand = (program, io, act) => {
  program
    .command("watch")
    .description("The daemon: denoises every acquisition that arrives in a folder, and reports over MQTT.")
    .option("--config <file>", `YAML (default: ${systemConfig} if it exists and no flag is given)`)
    .option("--in <dir>", "watch this folder, which must exist (default: ./incoming, which is made)")
    .option("--out <dir>", "results go here (default: ./denoised)")
    .option("--model <dir>", "model package")
    .option("--calibration <file>", "calibration.json: warn of acquisitions that are noisier than it")
    .addOption(providerOption("as configured, or cuda, otherwise cpu"))
    .option(
      "--mqtt <url>",
      "broker, for example broker.lab or mqtts://broker.lab:8883 (default: an embedded one on loopback)",
    )
    .option("--mqtt-port <port>", "of the embedded broker (default: 1883 or the next free one)", wholeNumber)
    .option("--instance <name>", "topics stand below cnnt-edge/<instance>")
    .option("--state <dir>", "folder of the ledger (default: ./state)")
    .option("--json-log", "log in JSON lines on a terminal too (default: plain text there, JSON elsewhere)")
    .option("--demo", "let `simulate` play the microscope")
    .action((options: WatchOptions) => act(() => watch(options, io)));
};

async function watch(options: WatchOptions, io: CommandIo): Promise<number> {
  const { configFor, givenFlags } = await import("../../watcher/config/flags.ts");
  const { checkPathsOnDisk } = await import("../../watcher/config/paths-on-disk.ts");
  const { playMicroscope, showFirst } = await import("./watch-demo.ts");
  const { createWatchJournal, createWatchScreen } = await import("../screen/watch-screen.ts");
  const { startDaemon } = await import("../../watcher/daemon.ts");
  const { startEngine } = await import("../../runtime/engine/host.ts");

  const flags = givenFlags(options);
  const choice = chooseConfig(options.config, flags);
  const workingFolder = process.cwd();
  const readConfig = async (): Promise<DaemonConfig> => {
    const read = await configFor(choice.file, options, workingFolder, install);
    await checkPathsOnDisk(read, options);
    return read;
  };
  const config = await readConfig();
  const asLines = io.stderr.isTTY === true && options.jsonLog === undefined;
  const screen = asLines ? createWatchScreen(io.stderr) : createWatchJournal(io.stderr);
  // A second signal ends the process at once: the terminal is left clean all the same.
  process.once("exit", screen.clear);
  const showFirstResult = options.demo ? showFirst(io) : () => undefined;
  const daemon = await startDaemon({
    config,
    version: productVersion,
    log: screen.log,
    onProgress: screen.running,
    onJob: (job) => {
      screen.job(job);
      showFirstResult(job);
    },
    environment: process.env,
    ...(choice.file !== undefined && { reread: { file: choice.file, read: readConfig } }),
    startEngine,
    makeFolders: choice.file === undefined && options.in === undefined,
  });
  try {
    io.stdout.write(whereThingsAre(choice, flags, config, daemon));
    const stopped = once(io.signal);
    const warm = await Promise.race([daemon.warm, daemon.failed, stopped]);
    if (warm !== undefined) {
      io.stdout.write(await whatRuns(warm, config));
      // A service has no keyboard.
      if (asLines) io.stdout.write("  Press Ctrl-C to stop\n");
      const folder = config.folders[0]?.path;
      if (options.demo && folder !== undefined) {
        playMicroscope(folder, io, { intervalS: demoIntervalS, clear: screen.clear });
      }
    }
    await Promise.race([stopped, daemon.failed]);
    screen.clear();
    io.stderr.write("stopping: the running job is finished or put back; a second signal ends at once\n");
    return exitCodes.done;
  } finally {
    await daemon.stop();
    screen.clear();
    process.off("exit", screen.clear);
  }
}

function whereThingsAre(
  { file, note }: ConfigChoice,
  flags: readonly string[],
  config: DaemonConfig,
  daemon: Daemon,
): string {
  const read = file === undefined ? "the defaults" : near(file);
  const changed = flags.length === 0 ? "" : `, with ${flags.join(", ")}`;
  const folders = config.folders.map(
    ({ name, path, output }) =>
      `  ${name}: drop files into ${near(path)}\n  ${" ".repeat(name.length)}  results appear in ${near(output)}\n`,
  );
  const broker = daemon.embedded ? "embedded, this machine only" : "as configured";
  return [
    `  configuration: ${read}${changed}\n`,
    ...(note === undefined ? [] : [`  ${note}\n`]),
    ...folders,
    `  ledger: ${near(config.state)}\n`,
    `  MQTT: ${daemon.mqttUrl} (${broker}), topics cnnt-edge/${config.instance}/#\n`,
  ].join("");
}

async function whatRuns(
  { models, engine }: { models: readonly Model[]; engine: WarmUpResult | undefined },
  { folders, engine: { memory_limit } }: DaemonConfig,
): Promise<string> {
  const { modelsOf } = await import("../../watcher/config/resolve.ts");
  const { memoryLimitBytes } = await import("../../runtime/machine/memory-limit.ts");
  const { typicalStackWords } = await import("../words/typical-stack.ts");
  const errors = models.flatMap((model) =>
    "error" in model
      ? [`  model ${near(model.dir)}: ${model.error.message}. ${model.error.remedy ?? ""}\n`]
      : [],
  );
  const first = models.find((model) => "package" in model);
  if (first === undefined || !("package" in first)) {
    return `${errors.join("")}  No model can run, so nothing is denoised until one can.\n`;
  }
  if (engine === undefined) {
    return `${errors.join("")}  The engine was lost while it warmed up. It is started again, and files wait until it is warm.\n`;
  }
  const folder = folders.find((one) => modelsOf(one).includes(first.dir));
  const wishes = {
    ...first.package,
    tile: folder?.tile ?? undefined,
    overlap: folder?.overlap ?? undefined,
    memoryLimitBytes: memory_limit === null ? undefined : memoryLimitBytes(memory_limit, totalmem()),
  };
  const slow = engine.provider === "cpu" ? ": slow, for trying out; a GPU makes it fast" : "";
  const stack = typicalStackWords(wishes, engine.networkVoxelsPerS);
  return `${errors.join("")}  Provider: ${engine.provider}${slow}. ${stack}\n`;
}

function once(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolveIt) => {
    if (signal.aborted) resolveIt(undefined);
    signal.addEventListener("abort", () => resolveIt(undefined), { once: true });
  });
}
