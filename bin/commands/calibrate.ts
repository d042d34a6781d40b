import { join } from "node:path";
import { Option } from "commander";
import type { ScanTiming } from "../../calibration/answer/scan-time.ts";
import type { CalibrationProgress } from "../../calibration/calibrate.ts";
import type { Repeats } from "../../calibration/experiment/repeats.ts";
import type { Calibration } from "../../calibration/result/result.ts";
import { visible } from "../../core/errors.ts";
import { orInterrupted } from "../../runtime/job/interrupted.ts";
import { productVersion } from "../../runtime/machine/product-version.ts";
import { type CommandIo, type DefineCommand, exitCodes } from "../command/command.ts";
import { refuseMissing, refuseTogether, refuseUselessFolder } from "../given/refusals.ts";
import {
  type CalibrateOptions,
  kindOf,
  levelOf,
  numberList,
  pathsOf,
  settingsOf,
} from "../options/calibrate-options.ts";
import {
  boxOf,
  finite,
  modelOption,
  notNegative,
  positive,
  positiveInteger,
  providerOption,
  wholeNumber,
} from "../options/option-values.ts";
import { openAnnouncer } from "../words/calibration-announcer.ts";
import { createWorkLine } from "../words/progress.ts";

export const defineCalibrate: DefineCommand = (program, io, act) => {
  program
    .command("calibrate")
    .summary("how fast may this experiment scan?")
    .description(
      "Takes one field recorded many times, and says how many scans the denoised image is worth, how fast the next " +
        "experiment may scan, and where that breaks. Writes calibration.html, .json, .csv and .png to --out.",
    )
    .argument("[input...]", "a folder or files, one repeat each; one file with a time axis; or a .h5 file")
    .option("--out <dir>", "folder for the report", "calibration")
    .addOption(modelOption("model folder, made by export"))
    .option("--channel <n>", "channel, from 0", wholeNumber)
    .option("--key <name>", "image set of a .h5 file")
    .addOption(
      new Option(
        "--level <n=path>",
        "ready-made averages of n scans: a file, or a folder of independent ones; may be repeated",
      )
        .argParser(levelOf)
        .default([], "none"),
    )
    .option("--low <path>", "the low exposure of a pair")
    .option("--high <path>", "the high exposure of a pair, or a folder of independent ones")
    .option(
      "--levels <list>",
      "numbers of repeats to average (default: 1,2,4,… up to all but two)",
      numberList,
    )
    .option(
      "--draws <n>",
      "largest number of averages of different repeats for each level",
      positiveInteger,
      4,
    )
    .option("--target <aim>", "psnr=35, equivalent=8, or as-good-as=8 for your usual 8 averages")
    .option("--offset <grey>", "grey value without light", finite)
    .option("--gain <grey>", "grey values per photon; with it, errors are in photons", positive)
    .option(
      "--data-range <grey>",
      "for PSNR and SSIM (default: 0.1st to 99.9th percentile of the mean)",
      positive,
    )
    .option(
      "--scan-time <s>",
      "seconds of one scan of one field and channel (default: the stated exposure or frame time, otherwise a time axis)",
      positive,
    )
    .option(
      "--overhead <s>",
      "seconds for each field and channel, whatever the number of scans: moving, settling, saving",
      notNegative,
      0,
    )
    .option("--fields <n>", "fields of the mosaic, 25 for 5 x 5", positiveInteger, 1)
    .option("--channels <n>", "channels of the mosaic", positiveInteger, 1)
    .option("--tile <z,y,x>", "as in denoise", boxOf(1))
    .option("--overlap <z,y,x>", "as in denoise", boxOf(0))
    .addOption(providerOption())
    .option("--seed <n>", "same seed, same draws", wholeNumber, 1)
    .option("--keep-work", "keep the denoised stacks in OUT/calibration-work")
    .option("--mqtt <url>", "publish progress and result at this broker, as watch does")
    .option("--instance <name>", "topics stand below cnnt-edge/<instance>")
    .option("--config <file>", "configuration of watch: publish at its broker, with its user and instance")
    .option("--json", "the result as JSON on stdout")
    .addHelpText(
      "after",
      "\nStart an interrupted calibration again with the same --out: it continues where it stopped.",
    )
    .action((inputs: string[], options: CalibrateOptions) => act(() => runCalibration(inputs, options, io)));
};

async function runCalibration(inputs: readonly string[], options: CalibrateOptions, io: CommandIo) {
  const { parseTarget } = await import("../../calibration/answer/target.ts");
  const { calibrate, identityOf } = await import("../../calibration/calibrate.ts");
  const { engineRunner, keyOf, removeWork, workFolderOf } = await import(
    "../../calibration/engine-runner.ts"
  );
  const { prepareRepeats } = await import("../../calibration/experiment/prepare-repeats.ts");
  const { writeReport, reportFiles } = await import("../../calibration/report/write-report.ts");
  const { readPackage } = await import("../../export/package/read-package.ts");
  const { refuseOtherTask, taskNote } = await import("../../export/package/stated-task.ts");

  const target = options.target === undefined ? undefined : parseTarget(options.target);
  const kind = kindOf(inputs, options);
  const lookAtModel = async (): Promise<string | undefined> => {
    const model = await readPackage(options.model);
    refuseOtherTask(model, "Calibrate with a model that denoises");
    return taskNote(model);
  };
  const [note] = await refuseTogether(
    [
      lookAtModel,
      ...pathsOf(inputs, options).map((path) => () => refuseMissing(path)),
      () => refuseUselessFolder(options.out),
    ],
    io,
  );
  if (note !== undefined) io.stderr.write(`note: ${visible(note)}\n`);
  const announcer = await openAnnouncer(options, io);
  const source = await openInputs(inputs, options, io).catch(async (error: unknown) => {
    await announcer?.end();
    throw error;
  });
  const engine = await io.startEngine({ models: [options.model], require: options.provider });
  const line = createWorkLine("calibrate", io.stderr);
  try {
    const prepared = await prepareRepeats(source, {
      offset: options.offset,
      brightness: kind === "repeats" ? "bleaching" : kind === "levels" ? "exposures" : "fixed",
      signal: io.signal,
      onProgress: (done, total) => line.show({ doing: "looking at the repeats", done, total }),
    });
    await orInterrupted(engine.ready(), io.signal);
    const identity = [
      await identityOf(source.files),
      prepared.drift,
      prepared.bleaching,
      options.channel,
      options.key,
      options.gain,
      options.offset,
    ];
    const workFolder = workFolderOf(options.out);
    const model = await engineRunner({
      engine,
      model: options.model,
      workFolder,
      experimentKey: keyOf(identity),
      tile: options.tile,
      overlap: options.overlap,
    });
    const settings = settingsOf(options);
    const id = keyOf(identity, model.facts, settings);
    const outcome = await calibrate(prepared, model, {
      inputs: source.files,
      kind,
      levels: options.levels,
      maxDraws: options.draws,
      seed: options.seed,
      dataRange: options.dataRange,
      detector: options.gain === undefined ? undefined : { gain: options.gain, offset: options.offset ?? 0 },
      target,
      timing: await timingOf(source, inputs.length === 1, options),
      settings,
      version: productVersion,
      id,
      now: () => new Date(),
      signal: io.signal,
      onProgress: (progress: CalibrationProgress) => {
        line.show(progress);
        announcer?.progress(id, progress);
      },
    });
    line.end();
    await writeReport(options.out, outcome);
    await announcer?.result(outcome.calibration, join(options.out, reportFiles.json));
    if (!options.keepWork) await removeWork(workFolder);
    printAnswer(outcome.calibration, join(options.out, reportFiles.html), options, io);
    return exitCodes.done;
  } finally {
    line.end();
    await engine.stop(io.signal.aborted ? 0 : undefined);
    await source.close();
    await announcer?.end();
  }
}

function printAnswer(
  { answer, ...rest }: Calibration,
  report: string,
  options: CalibrateOptions,
  io: CommandIo,
): void {
  if (options.json) {
    io.stdout.write(`${JSON.stringify({ ...rest, answer }, null, 2)}\n`);
    return;
  }
  io.stdout.write(`${[answer.headline, ...answer.sentences].join("\n")}\n${report}\n`);
}

async function openInputs(inputs: readonly string[], options: CalibrateOptions, io: CommandIo) {
  const { openLevels, openRepeats } = await import("../../calibration/experiment/open-repeats.ts");
  const opening = {
    channel: options.channel,
    signal: io.signal,
    tell: (sentence: string) => void io.stderr.write(`${visible(sentence)}\n`),
  };
  if (options.low !== undefined && options.high !== undefined) {
    return openLevels(
      [
        { averages: 1, path: options.low },
        { averages: 2, path: options.high },
      ],
      opening,
    );
  }
  if (options.level.length > 0) return openLevels(options.level, opening);
  const [first] = inputs;
  if (inputs.length === 1 && first !== undefined && /\.(h5|hdf5)$/i.test(first)) {
    const { openHdf5 } = await import("../../calibration/experiment/open-hdf5.ts");
    return openHdf5(first, options.key);
  }
  return openRepeats(inputs, opening);
}

async function timingOf(
  { acquisition }: Repeats,
  single: boolean,
  options: CalibrateOptions,
): Promise<ScanTiming | undefined> {
  const { statedScanTimeS } = await import("../../calibration/experiment/stated-scan-time.ts");
  const { overhead: overheadS, fields, channels } = options;
  const mosaic = { overheadS, fields, channels };
  if (options.scanTime !== undefined) return { ...mosaic, scanS: options.scanTime, from: "option" };
  const stated = statedScanTimeS(acquisition, options.channel ?? 0);
  if (stated !== undefined) return { ...mosaic, scanS: stated, from: "exposure time" };
  const increment = single && acquisition.sizes.t > 1 ? acquisition.timeIncrement?.s : undefined;
  if (increment === undefined || !(increment > 0)) return undefined;
  return { ...mosaic, scanS: increment, from: "time axis" };
}
