import { existsSync } from "node:fs";
import { basename, dirname, extname, join, resolve } from "node:path";
import { InvalidArgumentError, Option } from "commander";
import { isEdgeError, usageError } from "../../core/errors.ts";
import type { Intensity, Normalization, PackageSettings } from "../../core/package-settings.ts";
import { present } from "../../core/record.ts";
import { openError } from "../../formats/file/file-errors.ts";
import { readNamedFile } from "../../formats/file/named-file.ts";
import { productVersion } from "../../runtime/machine/product-version.ts";
import { type CommandIo, type DefineCommand, exitCodes } from "../command/command.ts";
import { refuseMissing, refuseTogether, refuseUselessFolder } from "../given/refusals.ts";
import { type Box, boxOf, finite, oneOf, positiveInteger } from "../options/option-values.ts";

/** A README that is longer than this is none (bytes). */
const largestCardBytes = 1024 * 1024;

interface ExportOptions {
  readonly config?: string;
  readonly out: string;
  readonly force?: boolean;
  readonly heads?: number;
  readonly residual?: boolean;
  readonly normalization?: Normalization;
  readonly clip: boolean;
  readonly intensity?: "preserved" | "uncalibrated";
  readonly tile?: Box;
  readonly overlap?: Box;
  readonly static?: Box;
  readonly precision: "fp32" | "fp16";
  readonly tensorrt?: boolean;
  readonly name?: string;
  readonly license?: string;
  readonly author: readonly string[];
  readonly card?: string;
  readonly stateDict?: string;
  readonly pairs?: string;
  readonly cover: boolean;
  readonly timestamp?: string;
  readonly json?: boolean;
}

export const defineExport: DefineCommand = (program, io, act) => {
  program
    .command("export")
    .summary("turn finetuned CNNT weights into a verified ONNX package")
    .description(
      "Reads a CNNT checkpoint (no Python needed, nothing in it is run) and writes a package: model.onnx, rdf.yaml " +
        "(bioimage.io 0.5), test tensors from a float64 forward pass. Then verifies it on this machine.",
    )
    .argument("<weights>", "checkpoint written by torch.save (.pt, .pth)")
    .requiredOption("--out <dir>", "package folder to make")
    .option(
      "--config <json>",
      "the JSON that training wrote (default: the one beside the weights, if there is one)",
    )
    .option("--state-dict <keys>", "which weights, where the checkpoint holds several: model, or state/ema")
    .option("--force", "replace an existing package")
    .option("--heads <n>", "attention heads (n_head), where no JSON says it", positiveInteger)
    .addOption(new Option("--residual", "the network predicts the noise (training's default)"))
    .addOption(new Option("--no-residual", "the network predicts the image (no_residual)").default(undefined))
    .option(
      "--normalization <how>",
      "percentile:LOW,HIGH, fixed:LOW,HIGH or none, where no JSON says it",
      normalization,
    )
    .option("--no-clip", "do not clip the scaled input to [0, 1]")
    .addOption(oneOf("--intensity <meaning>", "what output intensities mean", ["preserved", "uncalibrated"]))
    .option("--tile <z,y,x>", "recommended tile", boxOf(1))
    .option("--overlap <z,y,x>", "recommended overlap", boxOf(0))
    .addOption(
      oneOf("--precision <p>", "fp16: half precision inside, float32 in and out", ["fp32", "fp16"], "fp32"),
    )
    .option("--static <z,y,x>", "fix the input's shape in the graph (TensorRT)", boxOf(1))
    .option("--tensorrt", "also build the TensorRT engine (needs --static and trtexec; takes minutes)")
    .option("--name <text>", "name of the model")
    .option("--license <spdx>", "licence of the weights, for example CC-BY-4.0")
    .addOption(new Option("--author <name...>", "who trained it").default(["unknown"], "unknown"))
    .option("--pairs <dir>", "noisy and clean images: fit what intensities mean, and what is gained")
    .option("--no-cover", "leave out the picture, for which the package is run on a simulated field")
    .option("--card <md>", "use this Markdown file as the package's README")
    .addOption(new Option("--timestamp <rfc3339>", "time to write into the package").hideHelp())
    .option("--json", "the outcome as JSON on stdout")
    .action((weights: string, options: ExportOptions) =>
      act(async () => {
        if (options.tensorrt && options.static === undefined) {
          throw usageError("a TensorRT engine is built for one shape", {
            code: "tensorrt-needs-static",
            remedy: "Add --static Z,Y,X, for example --static 24,256,256",
          });
        }
        const { exportCheckpoint } = await import("../../export/export-checkpoint.ts");
        const { describeProof } = await import("../../export/proven-twin.ts");
        const { inputName, outputName } = await import("../../export/onnx/cnnt-layers.ts");
        const { runTensor } = await import("../../runtime/engine/run-tensor.ts");
        const { judgedAsText, worseWarning } = await import("../words/package-words.ts");
        const { training, card } = await readParts(weights, options, io);
        const outcome = await exportCheckpoint({
          weights,
          out: options.out,
          force: options.force ?? false,
          stated: statedBy(options),
          description: {
            name: options.name ?? `${basename(weights, extname(weights))} CNNT`,
            authors: options.author,
            ...present({ license: options.license, card }),
          },
          ...present({ stateDict: options.stateDict, training, staticShape: options.static }),
          ...present({ tile: options.tile, overlap: options.overlap }),
          precision: options.precision,
          run: (modelFile, input) =>
            runTensor({ modelFile, inputName, outputName, provider: "cpu", input }, io.signal),
          intensityIsFitted: options.pairs !== undefined,
          judge: (dir, settings) => judge(dir, settings, options, io),
          tell: (sentence) => void io.stderr.write(`${sentence}\n`),
          productVersion,
          timestamp: options.timestamp ?? new Date().toISOString(),
        });
        if (options.tensorrt) await buildTensorRt(options, io);
        const warning = worseWarning(outcome.settings.pairs);
        if (warning !== undefined) io.stderr.write(`warning: ${warning}\n`);
        if (options.json) {
          io.stdout.write(`${JSON.stringify(outcome)}\n`);
          return exitCodes.done;
        }
        const difference = outcome.measured?.largestDifference.toExponential(1) ?? "not measured";
        io.stdout.write(
          `${outcome.dir}: ${outcome.parameters.toLocaleString("en")} weights, ${options.precision}, ` +
            `verified on cpu (${describeProof(outcome.expectedFrom, difference)})\n${judgedAsText(outcome.settings)}`,
        );
        return exitCodes.done;
      }),
    );
};

/** What stands beside the weights. All that is wrong is told in the order of the command line, before anything takes time. */
async function readParts(weights: string, options: ExportOptions, io: CommandIo) {
  const { openCheckpoint } = await import("../../export/torch/checkpoint.ts");
  const { readTrainingConfig } = await import("../../export/cnnt/training-config.ts");
  const { refuseExisting } = await import("../../export/package/write-package.ts");
  const { findPairs } = await import("../../calibration/pairs/find-pairs.ts");
  const { out, force = false, pairs } = options;
  const config = options.config ?? configBeside(weights);
  const [, training, , , , card] = await refuseTogether(
    [
      async () => await (await openCheckpoint(weights)).close(),
      async () => (config === undefined ? undefined : await readTrainingConfig(config)),
      () => refuseExisting(out, force),
      () => refuseUselessFolder(dirname(out)),
      async () => pairs !== undefined && (await findPairs(pairs)),
      async () => (options.card === undefined ? undefined : await readCard(options.card)),
    ],
    io,
  );
  if (config !== undefined && options.config === undefined) io.stderr.write(`reading ${config}\n`);
  return { training, card };
}

async function readCard(file: string): Promise<string> {
  await refuseMissing(file);
  const bytes = await readNamedFile(file, largestCardBytes).catch((cause: unknown) => {
    throw isEdgeError(cause) ? cause : openError(cause, file);
  });
  return bytes.toString();
}

/** Runs the new package on the pairs, or on a simulated field for its picture. */
async function judge(dir: string, settings: PackageSettings, options: ExportOptions, io: CommandIo) {
  if (options.pairs === undefined && !options.cover) return {};
  const { judgeByPairs, simulatedCover } = await import("../../calibration/pairs/judge-package.ts");
  const engine = await io.startEngine({ models: [resolve(dir)] });
  try {
    const task = { model: dir, settings, engine, signal: io.signal };
    if (options.pairs === undefined) return { cover: await simulatedCover(task) };
    return await judgeByPairs({
      ...task,
      dir: options.pairs,
      intensityStated: options.intensity !== undefined,
      onPair: ({ name }, index, count) => void io.stderr.write(`pair ${index + 1} of ${count}: ${name}\n`),
    });
  } finally {
    await engine.stop();
  }
}

function statedBy(options: ExportOptions) {
  const { heads, residual, normalization: stated, intensity: meaning } = options;
  const scaled: Normalization | undefined =
    stated === undefined || stated.kind === "none" ? stated : { ...stated, clip: options.clip };
  const intensity: Intensity | undefined = meaning === undefined ? undefined : { meaning };
  const noResidual = residual === undefined ? undefined : !residual;
  return present({ heads, noResidual, normalization: scaled, intensity });
}

async function buildTensorRt(options: ExportOptions, io: CommandIo): Promise<void> {
  const { buildEngine } = await import("../../export/tensorrt/build-engine.ts");
  const { readPackage } = await import("../../export/package/read-package.ts");
  const outcome = await buildEngine({
    model: await readPackage(options.out),
    shape: options.static ?? [1, 1, 1],
    precision: options.precision,
    productVersion,
    onProgress: (line, elapsedS) => void io.stderr.write(`TensorRT ${elapsedS.toFixed(0)} s: ${line}\n`),
    signal: io.signal,
  });
  if (outcome.kind === "no-trtexec") {
    io.stderr.write(
      `no TensorRT engine was built: trtexec is not on this machine. On a machine that has it, run\n  ${outcome.command}\n`,
    );
    return;
  }
  io.stderr.write(
    `TensorRT engine ${outcome.kind === "built" ? "built" : "found in the cache"}: ${outcome.contextModel} (not run yet: ` +
      `\`cnnt-edge verify ${options.out} --provider tensorrt\` runs it on the package's test tensors)\n`,
  );
}

/** `W.json` beside `W.pt`, else `config.json` in the same folder. */
function configBeside(weights: string): string | undefined {
  const folder = dirname(weights);
  const candidates = [
    join(folder, `${basename(weights, extname(weights))}.json`),
    join(folder, "config.json"),
  ];
  return candidates.find((candidate) => existsSync(candidate));
}

function normalization(text: string): Normalization {
  if (text === "none") return { kind: "none" };
  const [kind, rest = ""] = text.split(":");
  if (kind !== "percentile" && kind !== "fixed") {
    throw new InvalidArgumentError("not percentile:LOW,HIGH, fixed:LOW,HIGH or none");
  }
  const [low, high, ...more] = rest.split(",").map(finite);
  // By hand: the schema's library would be loaded at each start of any command.
  const [least, most] =
    kind === "percentile" ? [0, 100] : [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  if (
    low === undefined ||
    high === undefined ||
    more.length > 0 ||
    !(least <= low && low < high && high <= most)
  ) {
    const percent = kind === "percentile" ? " from 0 to 100" : "";
    throw new InvalidArgumentError(`must be two numbers${percent}, LOW below HIGH`);
  }
  return { kind, low, high, clip: true };
}
