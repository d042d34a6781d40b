import { mkdtemp, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type EdgeError, formatError, usageError, visible } from "../../core/errors.ts";
import type { EngineOptions } from "../../runtime/engine/host.ts";
import type { DenoiseJobInput } from "../../runtime/job/denoise-job.ts";
import type { OrderOfResult } from "../../runtime/result/order-of-result.ts";
import { type CommandIo, exitCodes } from "../command/command.ts";
import type { DenoiseOptions } from "../options/denoise-options.ts";
import { createProgressLine } from "../words/progress.ts";

/**
 * `denoise --like RESULT SOURCE`: makes the result again as it says it was made, in a hidden folder beside it, and says whether
 * every sample is the same. Exit code 0 only where it is.
 */
export async function denoiseLike(
  result: string,
  paths: readonly string[],
  options: DenoiseOptions,
  io: CommandIo,
): Promise<number> {
  const { openAcquisition } = await import("../../formats/open.ts");
  const { provenancesIn } = await import("../../formats/ome/read-provenance.ts");
  const { orderOfResult } = await import("../../runtime/result/order-of-result.ts");
  const { writeError } = await import("../../formats/file/file-errors.ts");
  const { describeDifference } = await import("../words/describe-difference.ts");
  const [source, ...others] = paths;
  if (source === undefined || others.length > 0) {
    throw usageError("--like takes one source", {
      code: "like-sources",
      found: `${paths.length}`,
      allowed: "1",
    });
  }
  const made = await openAcquisition(result, { signal: io.signal });
  let folder: string | undefined;
  try {
    const { original, channels, sampleType, seriesCount } = made.acquisition;
    if (seriesCount !== 1) {
      throw formatError("the file holds more than a result: one image is all that a job writes", {
        code: "not-a-result",
        file: result,
        found: `${seriesCount} images`,
        remedy: "Name a result as it was written",
      });
    }
    const provenance = original.kind === "ome-xml" ? (provenancesIn(original.xml).at(-1) ?? []) : [];
    const order = orderOfResult(result, provenance, channels.length);
    await refuseOtherSource(source, order, io.signal);
    const models = await modelsFor(order, result, options);
    const provider = options.provider ?? order.provider;
    const threads = options.threads ?? order.threads;
    folder = await mkdtemp(join(dirname(result), ".cnnt-edge-like-")).catch((cause: unknown) => {
      throw writeError(cause, dirname(result));
    });
    const output = join(folder, "again.ome.tif");
    await denoiseAgain(
      {
        input: source,
        output,
        series: order.series,
        models,
        ...order.tiles,
        normalization: order.normalization,
        depthAxis: order.depthAxis,
        ...(sampleType === "uint16" || sampleType === "float32" ? { sampleType } : {}),
      },
      { models: [models.default], require: provider, intraOpThreads: threads },
      io,
    );
    const again = await openAcquisition(output, { signal: io.signal });
    const difference = await describeDifference(made, again, io.signal).finally(() => again.close());
    const equal = `equal, every sample (${provider}${threads === undefined ? "" : `, threads: ${threads}`})`;
    io.stdout.write(`${visible(result)}: ${difference ?? equal}\n`);
    if (difference === undefined) return exitCodes.done;
    io.stderr.write(`${visible(result)}: ${visible(whyDifferent(order))}\n`);
    return exitCodes.failed;
  } finally {
    await made.close();
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  }
}

async function denoiseAgain(job: DenoiseJobInput, options: EngineOptions, io: CommandIo): Promise<void> {
  const engine = await io.startEngine(options);
  const progress = createProgressLine(job.input, io.stderr);
  try {
    await engine.denoise(job, { signal: io.signal, onProgress: progress.show });
  } finally {
    progress.end();
    await engine.stop(io.signal.aborted ? 0 : undefined);
  }
}

/** All that may be it: nothing more is known. */
function whyDifferent({ software, runtime, models, tiles }: OrderOfResult): string {
  const denoised = models.some((sha256) => sha256 !== undefined);
  return [
    `it was made by ${software} with ${runtime}; another version, processor or number of threads may round otherwise`,
    "of the package only the weights are compared: its settings may be others now",
    ...(tiles === undefined && denoised
      ? ["its channels state different tiles, and the packages' own were taken"]
      : []),
  ].join("; ");
}

/** For each channel the given model whose weights the result names. */
async function modelsFor({ models }: OrderOfResult, result: string, { model, channel }: DenoiseOptions) {
  const { readPackage } = await import("../../export/package/read-package.ts");
  const { pass } = await import("../../runtime/plan/channel-models.ts");
  const given = new Map<string, string>();
  for (const dir of new Set([model, ...Object.values(channel)])) {
    if (dir !== pass) given.set((await readPackage(dir)).modelSha256, dir);
  }
  const byChannel: Record<string, string> = {};
  for (const [index, sha256] of models.entries()) {
    const dir = sha256 === undefined ? pass : given.get(sha256);
    if (dir === undefined) throw otherModel(result, sha256, [...given.keys()]);
    byChannel[index] = dir;
  }
  return { default: model, byChannel };
}

function otherModel(result: string, sha256: string | undefined, given: readonly string[]): EdgeError {
  return usageError("the result was made with another model", {
    code: "like-model",
    file: result,
    found: given.join(", "),
    allowed: `${sha256} (SHA-256 of model.onnx)`,
    remedy: "Name the package with that hash: --model, or --channel for one channel",
  });
}

async function refuseOtherSource(
  source: string,
  { series, sourceSha256 }: OrderOfResult,
  signal: AbortSignal,
): Promise<void> {
  const { sourceFilesOf } = await import("../../core/acquisition.ts");
  const { lookAtImage } = await import("../given/given-acquisitions.ts");
  const { hashSource } = await import("../../runtime/result/source-hash.ts");
  const files = sourceFilesOf(await lookAtImage(source, signal, series));
  const { sha256 } = await hashSource(files, signal);
  if (sha256 === sourceSha256) return;
  throw usageError("the result was made from another source", {
    code: "like-source",
    file: source,
    found: sha256,
    allowed: `${sourceSha256} (SHA-256)`,
    remedy: "Name the file that the result was made from",
  });
}
