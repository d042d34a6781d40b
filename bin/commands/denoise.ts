import { basename, resolve } from "node:path";
import { Option } from "commander";
import { describeError, reportOf, visible } from "../../core/errors.ts";
import type { DenoiseOutcome, Engine, WarmUpResult } from "../../runtime/job/denoise-job.ts";
import { interrupted, orInterrupted } from "../../runtime/job/interrupted.ts";
import { type CommandIo, type DefineCommand, exitCodes } from "../command/command.ts";
import type { Ended } from "../given/denoise-tasks.ts";
import { makeResultsFolder } from "../given/refusals.ts";
import {
  channelModel,
  type DenoiseOptions,
  jobOf,
  memoryAmount,
  type Task,
} from "../options/denoise-options.ts";
import {
  boxOf,
  compressionOption,
  modelOption,
  oneOf,
  patternOption,
  positiveInteger,
  providerOption,
  wholeNumber,
} from "../options/option-values.ts";
import { createProgressLine, describeDuration, describeRate } from "../words/progress.ts";

/** What a result says of how it was made may not be said otherwise beside `--like`. */
const besideLike = ["like", "model", "channel", "provider", "threads"];

export const defineDenoise: DefineCommand = (program, io, act) => {
  const like = new Option(
    "--like <result>",
    "make this result again from its source, as it says it was made, and say whether every sample is the same; " +
      "takes --model, --channel, --provider and --threads",
  );
  const { options: all } = program
    .command("denoise")
    .summary("denoise files now")
    .description(
      "Denoises acquisitions. Each result is an OME-TIFF, `<stem>.denoised.ome.tif` in the folder --out, with the " +
        "source's metadata and how it was made. A file that fails does not stop the others.",
    )
    .argument(
      "<path...>",
      "TIFF, OME-TIFF, Leica .lif or .npy files, OME-Zarr or NDTiff folders, or other folders: the images in them, except our own results",
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
      "tile in pixels, exactly this one (default: the package says how large tiles may be)",
      boxOf(1),
    )
    .option("--overlap <z,y,x>", "pixels that neighbouring tiles share (default: the package's)", boxOf(0))
    .addOption(
      oneOf(
        "--tiling <how>",
        "how tiles lie: inside the stack, or padded as in the published code",
        ["fitted", "published"],
        "fitted",
      ),
    )
    .addOption(
      oneOf(
        "--normalization <how>",
        "package: as the package states; none: the samples are network input already (default: none for float .npy)",
        ["package", "none"],
      ),
    )
    .addOption(
      oneOf(
        "--non-finite <how>",
        "NaN and infinities in float input: carry keeps them in their places, refuse fails the file",
        ["carry", "refuse"],
        "carry",
      ),
    )
    .addOption(
      oneOf("--dtype <type>", "sample type of the result (default: the source's)", ["uint16", "float32"]),
    )
    .addOption(
      oneOf(
        "--depth-axis <axis>",
        "the axis that the network sees as depth; auto: Z if there is more than one plane, otherwise time",
        ["z", "t", "auto"],
        "auto",
      ),
    )
    .option("--series <n>", "only this image of each file, from 0 (default: all)", wholeNumber)
    .addOption(patternOption())
    .addOption(compressionOption("of the results"))
    .addOption(providerOption())
    .option("--threads <n>", "threads of the CPU provider (default: all)", positiveInteger)
    .option(
      "--memory-limit <amount>",
      "plan tiles for this much memory at most, as 4GB or 50% (default: the package's tiles)",
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
    .addOption(like)
    .option("--json", "the outcome as JSON on stdout")
    .action((files: string[], options: DenoiseOptions) =>
      act(async () => {
        if (options.like !== undefined) {
          const { denoiseLike } = await import("./denoise-like.ts");
          return denoiseLike(options.like, files, options, io);
        }
        if (options.explain !== true) return denoise(files, options, io);
        const { explainDenoise } = await import("./explain-denoise.ts");
        return explainDenoise(files, options, io);
      }),
    );
  const names = all.map((option) => option.attributeName());
  like.conflicts(names.filter((name) => !besideLike.includes(name)));
};

/** One acquisition's end. */
type Result = Ended | { readonly input: string; readonly outcome: DenoiseOutcome };

async function denoise(paths: readonly string[], options: DenoiseOptions, io: CommandIo): Promise<number> {
  const { removeStalePartials } = await import("../../formats/file/partial-name.ts");
  const { findTasks } = await import("../given/denoise-tasks.ts");
  const existing = options.skipExisting ? "skip" : options.overwrite ? "replace" : "refuse";
  const { tasks, ended } = await findTasks(paths, options, existing, io);
  await removeStalePartials(options.out);
  if (tasks.length === 0) return summary(ended, options, io);
  await makeResultsFolder(options.out);

  const engine = await io.startEngine({
    models: [options.model],
    require: options.provider,
    intraOpThreads: options.threads,
    memoryLimitBytes: options.memoryLimit,
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
  const { removeStalePartials } = await import("../../formats/file/partial-name.ts");
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
    const outcome = await withSmallerTiles(run, again);
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

function describeFacts({ provider, rejected, networkVoxelsPerS }: WarmUpResult): string {
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
