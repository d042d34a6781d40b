import { totalmem } from "node:os";
import { basename, resolve } from "node:path";
import { InvalidArgumentError, Option } from "commander";
import { describeError, reportOf, visible } from "../../core/errors.ts";
import type { DenoiseJobInput, DenoiseOutcome, Engine, EngineFacts } from "../../runtime/denoise-job.ts";
import type { Explanation } from "../../runtime/explain-plan.ts";
import { interrupted, orInterrupted } from "../../runtime/interrupted.ts";
import { memoryLimitBytes } from "../../runtime/memory-limit.ts";
import { type ProviderName, providerNames } from "../../runtime/providers.ts";
import { type CommandIo, type DefineCommand, exitCodes } from "../command.ts";
import type { Ended, Task, TaskOptions } from "../denoise-tasks.ts";
import { type Box, boxOf, positiveInteger, wholeNumber } from "../option-values.ts";
import { createProgressLine, describeDuration, describeRate } from "../progress.ts";
import { makeResultsFolder } from "../results-folder.ts";
import { modelOption } from "../shipped-model.ts";

interface DenoiseOptions {
  readonly out: string;
  readonly model: string;
  readonly channel: Readonly<Record<string, string>>;
  readonly tile?: Box;
  readonly overlap?: Box;
  readonly blend: "ramp";
  readonly normalization?: "package" | "none";
  readonly dtype?: "uint16" | "float32";
  readonly depthAxis: "z" | "t" | "auto";
  readonly nonFinite: "carry" | "refuse";
  readonly series: number;
  readonly compression: "none" | "deflate" | "zstd";
  readonly provider?: ProviderName;
  readonly threads?: number;
  readonly memoryLimit?: number;
  readonly runAnyway?: true;
  readonly overwrite?: true;
  readonly skipExisting?: true;
  readonly explain?: true;
  readonly json?: true;
}

export const defineDenoise: DefineCommand = (program, io, act) => {
  program
    .command("denoise")
    .summary("denoise files now")
    .description(
      "Denoises acquisitions. Each result is an OME-TIFF, `<stem>.denoised.ome.tif` in the folder --out, with the " +
        "source's metadata and how it was made. A file that fails does not stop the others.",
    )
    .argument(
      "<path...>",
      "TIFF, OME-TIFF or .npy files, or folders: the images in them, without results of ours",
    )
    .option("--out <dir>", "folder for the results; it is made if it is missing", "denoised")
    .addOption(modelOption("model folder, made by export"))
    .addOption(
      new Option(
        "--channel <name=package>",
        "another model for one channel, by its name or number, or `pass` to copy it; may be repeated",
      )
        .argParser(channelModel)
        .default({}, "none"),
    )
    .option(
      "--tile <z,y,x>",
      "tile in pixels, with the published tiling (default: fitted to the stack)",
      boxOf(1),
    )
    .option("--overlap <z,y,x>", "pixels that neighbouring tiles share, with the published tiling", boxOf(0))
    .addOption(new Option("--blend <name>", "how overlaps are blended").choices(["ramp"]).default("ramp"))
    .addOption(
      new Option(
        "--normalization <how>",
        "package: as the package states; none: the samples are network input already (default: none for float .npy)",
      ).choices(["package", "none"]),
    )
    .addOption(
      new Option(
        "--non-finite <how>",
        "NaN and infinities in float input: carry keeps them in their places, refuse fails the file",
      )
        .choices(["carry", "refuse"])
        .default("carry"),
    )
    .addOption(
      new Option("--dtype <type>", "sample type of the result (default: the source's)").choices([
        "uint16",
        "float32",
      ]),
    )
    .addOption(
      new Option(
        "--depth-axis <axis>",
        "the axis that the network sees as depth; auto: Z if there is more than one plane, else time",
      )
        .choices(["z", "t", "auto"])
        .default("auto"),
    )
    .option("--series <n>", "which image of each file, from 0", wholeNumber, 0)
    .addOption(
      new Option("--compression <name>", "of the results")
        .choices(["none", "deflate", "zstd"])
        .default("none"),
    )
    .addOption(
      new Option(
        "--provider <name>",
        "use only this provider; fail if it is unavailable (default: cuda, else cpu)",
      ).choices([...providerNames]),
    )
    .option("--threads <n>", "threads of the CPU provider (default: all)", positiveInteger)
    .option(
      "--memory-limit <amount>",
      "plan tiles for this much memory at most, as 4GB or 50% (default: what is free)",
      memoryAmount,
    )
    .option(
      "--run-anyway",
      "run a model whose description says that it does something else; results are named `.output.ome.tif`",
    )
    .option("--overwrite", "replace results that are there already")
    .addOption(
      new Option(
        "--skip-existing",
        "skip inputs that have a result already, to go on after an interruption",
      ).conflicts("overwrite"),
    )
    .option("--explain", "print what would be done, and do nothing")
    .option("--json", "the outcome as JSON on stdout")
    .action((files: string[], options: DenoiseOptions) =>
      act(() => (options.explain ? explain(files, options, io) : denoise(files, options, io))),
    );
};

/** One acquisition's end. */
type Result = Ended | { readonly input: string; readonly outcome: DenoiseOutcome };

async function denoise(paths: readonly string[], options: DenoiseOptions, io: CommandIo): Promise<number> {
  const { removeStalePartials } = await import("../../formats/partial-name.ts");
  const { startEngine } = await import("../../runtime/engine/host.ts");
  const { findTasks } = await import("../denoise-tasks.ts");
  const existing = options.skipExisting ? "skip" : options.overwrite ? "replace" : "refuse";
  const { tasks, ended } = await findTasks(paths, taskOptions(options, existing), io);
  await removeStalePartials(options.out);
  if (tasks.length === 0) return summary(ended, options, io);
  await makeResultsFolder(options.out);

  const engine = startEngine({
    models: [options.model],
    ...(options.provider === undefined ? {} : { require: options.provider }),
    ...(options.threads === undefined ? {} : { intraOpThreads: options.threads }),
    ...(options.memoryLimit === undefined ? {} : { memoryLimitBytes: options.memoryLimit }),
  });
  const results: Result[] = [...ended];
  try {
    io.stderr.write(`${describeFacts(await orInterrupted(engine.ready(), io.signal))}\n`);
    for (const task of tasks) {
      results.push(await denoiseOne(engine, task, options, io));
      if (io.signal.aborted) throw interrupted();
    }
  } finally {
    // An interrupted engine is not given the time to finish its tile.
    await engine.stop(io.signal.aborted ? 0 : undefined);
  }
  return summary(results, options, io);
}

function taskOptions(options: DenoiseOptions, existing: TaskOptions["existing"]): TaskOptions {
  return { ...options, runAnyway: options.runAnyway ?? false, existing };
}

function summary(results: readonly Result[], options: DenoiseOptions, io: CommandIo): number {
  if (options.json) io.stdout.write(`${JSON.stringify({ results: results.map(plainResult) }, null, 2)}\n`);
  return results.some((result) => "error" in result) ? exitCodes.failed : exitCodes.done;
}

/** Denoises one acquisition and says how it ended; never throws. */
async function denoiseOne(
  engine: Engine,
  task: Task,
  options: DenoiseOptions,
  io: CommandIo,
): Promise<Result> {
  const { input } = task;
  const { removeStalePartials } = await import("../../formats/partial-name.ts");
  const { withSmallerTiles } = await import("../../runtime/engine/smaller-tiles.ts");
  const progress = createProgressLine(basename(input), io.stderr);
  const again = async (error: unknown): Promise<void> => {
    progress.end();
    io.stderr.write(`${visible(input)}: once more, in smaller tiles: ${describeError(error)}\n`);
    await removeStalePartials(options.out);
  };
  try {
    const job = jobOf(task, options);
    const run = (): Promise<DenoiseOutcome> =>
      engine.denoise(job, { signal: io.signal, onProgress: progress.show });
    // Tiles that were asked for are not changed.
    const asked = options.tile !== undefined || options.overlap !== undefined;
    const outcome = asked ? await run() : await withSmallerTiles(run, again);
    progress.end();
    for (const note of outcome.notes) io.stderr.write(`${visible(input)}: note: ${visible(note)}\n`);
    io.stderr.write(`${visible(input)}: ${describeOutcome(outcome)}\n`);
    if (!options.json) io.stdout.write(`${outcome.output}\n`);
    return { input, outcome };
  } catch (error) {
    progress.end();
    if (!io.signal.aborted) io.stderr.write(`cnnt-edge: ${describeError(error)}\n`);
    return { input, error };
  }
}

/** Paths stay as the person wrote them: the engine works in the same folder, and its messages name them so. */
function jobOf({ input, output }: Task, options: DenoiseOptions): DenoiseJobInput {
  return {
    input,
    output,
    series: options.series,
    models: { default: options.model, byChannel: options.channel },
    ...(options.tile === undefined ? {} : { tile: options.tile }),
    ...(options.overlap === undefined ? {} : { overlap: options.overlap }),
    ...(options.normalization === undefined ? {} : { normalization: options.normalization }),
    ...(options.dtype === undefined ? {} : { sampleType: options.dtype }),
    blend: options.blend,
    depthAxis: options.depthAxis,
    nonFinite: options.nonFinite,
    compression: options.compression,
    overwrite: options.overwrite ?? false,
  };
}

/** Reads what can be known without a pixel and prints the plan of each file. */
async function explain(paths: readonly string[], options: DenoiseOptions, io: CommandIo): Promise<number> {
  const { findTasks } = await import("../denoise-tasks.ts");
  const { readPackage } = await import("../../export/package/read-package.ts");
  const { openAcquisition } = await import("../../formats/open.ts");
  const { denoiseJobSchema } = await import("../../runtime/denoise-job.ts");
  const { explainPlan } = await import("../../runtime/explain-plan.ts");
  const { availableBytes } = await import("../../runtime/memory-plan.ts");
  const { planJob } = await import("../../runtime/plan-job.ts");
  const { chunkOverlap } = await import("../../runtime/choose-tile.ts");
  const { fastestChunkDepth, rateFor, readRates, tuningFile } = await import(
    "../../runtime/tuning/measured-rates.ts"
  );
  const { freeDeviceBytes } = await import("../../runtime/gpu/device-memory.ts");
  const rates = await readRates(tuningFile(process.env));
  const provider = options.provider ?? "cpu";
  const mostBytes = Math.min(
    await freeDeviceBytes(provider),
    options.memoryLimit ?? Number.POSITIVE_INFINITY,
  );
  const { tasks, ended } = await findTasks(paths, taskOptions(options, "replace"), io);
  let failed = ended.length > 0;
  for (const task of tasks) {
    const { input } = task;
    try {
      const job = denoiseJobSchema.parse(jobOf(task, options));
      const source = await openAcquisition(job.input, { series: job.series, signal: io.signal });
      try {
        const memoryBytes = Math.min(availableBytes(), mostBytes);
        const plan = await planJob(job, source.acquisition, readPackage, memoryBytes, {
          chunkDepth: (model) => fastestChunkDepth(rates(model, provider), chunkOverlap),
        });
        const explanation = explainPlan(
          plan,
          source.acquisition,
          job.output,
          (model, tile) => rateFor(rates(model, provider), tile)?.voxels_per_s,
        );
        io.stdout.write(
          options.json ? `${JSON.stringify(explanation)}\n` : `${visible(input)}\n${inWords(explanation)}\n`,
        );
      } finally {
        await source.close();
      }
    } catch (error) {
      if (io.signal.aborted) throw error;
      failed = true;
      io.stderr.write(`cnnt-edge: ${describeError(error)}\n`);
    }
  }
  return failed ? exitCodes.failed : exitCodes.done;
}

function inWords(explanation: Explanation): string {
  return Object.entries(explanation)
    .filter(([, value]) => !Array.isArray(value) || value.length > 0)
    .map(([key, value]) => `  ${key}: ${visible(Array.isArray(value) ? value.join("; ") : String(value))}`)
    .join("\n");
}

function describeFacts({ provider, rejected, networkVoxelsPerS }: EngineFacts): string {
  const why = rejected.map((other) => `${other.provider} not used: ${other.reason.message}`);
  return [`provider: ${provider} (warm-up ${describeRate(networkVoxelsPerS)} in the network)`, ...why].join(
    "; ",
  );
}

function describeOutcome({ output, voxels, elapsedS, clippedShare }: DenoiseOutcome): string {
  const clipped = clippedShare > 0 ? `, ${(100 * clippedShare).toPrecision(2)} % of voxels clipped` : "";
  const rate = describeRate(voxels / elapsedS);
  return `done in ${describeDuration(elapsedS)} (${rate})${clipped}: ${visible(output)}`;
}

function plainResult(result: Result) {
  const { input } = result;
  if ("outcome" in result) {
    return { input, outcome: { ...result.outcome, output: resolve(result.outcome.output) } };
  }
  if ("skipped" in result) return { input, skipped: resolve(result.skipped) };
  return { input, error: reportOf(result.error) };
}

function memoryAmount(text: string): number {
  try {
    return memoryLimitBytes(text, totalmem());
  } catch (error) {
    throw new InvalidArgumentError(describeError(error));
  }
}

function channelModel(text: string, before: Readonly<Record<string, string>>): Record<string, string> {
  // Names of channels may hold "=", folders hardly.
  const at = text.lastIndexOf("=");
  if (at < 1 || at === text.length - 1) throw new InvalidArgumentError("not NAME=PACKAGE or NAME=pass");
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
}
