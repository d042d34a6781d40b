import { mkdtemp, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type EdgeError, usageError, visible } from "../../core/errors.ts";
import type { PlaneSource } from "../../formats/plane/plane-source.ts";
import type { DenoiseJobInput } from "../../runtime/job/denoise-job.ts";
import { type ProviderName, providerNames } from "../../runtime/machine/providers.ts";
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
  const { startEngine } = await import("../../runtime/engine/host.ts");
  const [source, ...others] = paths;
  if (source === undefined || others.length > 0) {
    throw usageError("--like takes one source", {
      code: "like-sources",
      found: `${paths.length}`,
      allowed: "1",
    });
  }
  const made = await openAcquisition(result, { signal: io.signal });
  const folder = await mkdtemp(join(dirname(result), ".cnnt-edge-like-"));
  try {
    const { original, channels } = made.acquisition;
    const provenance = original.kind === "ome-xml" ? (provenancesIn(original.xml).at(-1) ?? []) : [];
    const order = orderOfResult(result, provenance, channels.length);
    await refuseOtherSource(source, order, io.signal);
    const models = await modelsFor(order, result, options);
    const provider = options.provider ?? knownProvider(order.provider, result);
    const threads = options.threads ?? order.threads;
    const engine = startEngine({
      models: [models.default],
      require: provider,
      ...(threads === undefined ? {} : { intraOpThreads: threads }),
    });
    const progress = createProgressLine(source, io.stderr);
    const output = join(folder, "again.ome.tif");
    const { sampleType } = made.acquisition;
    const job: DenoiseJobInput = {
      input: source,
      output,
      series: order.series,
      models,
      ...order.tiles,
      normalization: order.normalization,
      depthAxis: order.depthAxis,
      ...(sampleType === "uint16" || sampleType === "float32" ? { sampleType } : {}),
    };
    try {
      await engine.denoise(job, { signal: io.signal, onProgress: progress.show });
    } finally {
      progress.end();
      await engine.stop(io.signal.aborted ? 0 : undefined);
    }
    const again = await openAcquisition(output, { signal: io.signal });
    try {
      const difference = await firstDifference(made, again, io.signal);
      io.stdout.write(
        `${visible(result)}: ${difference ?? `equal, every sample (${provider}${threads === undefined ? "" : `, threads: ${threads}`})`}\n`,
      );
      if (difference !== undefined)
        io.stderr.write(
          `${visible(result)}: it was made by ${order.software} with ${order.runtime}; another version, processor or number of threads may round otherwise\n`,
        );
      return difference === undefined ? exitCodes.done : exitCodes.failed;
    } finally {
      await again.close();
    }
  } finally {
    await made.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** For each channel the given model whose weights the result names. */
async function modelsFor(
  { models }: OrderOfResult,
  result: string,
  { model, channel }: DenoiseOptions,
): Promise<{ default: string; byChannel: Record<string, string> }> {
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

/** Where the first sample differs, and by how much any does; undefined where all are the same. */
async function firstDifference(
  made: PlaneSource,
  again: PlaneSource,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { sizes, sampleType } = made.acquisition;
  const other = again.acquisition;
  if (JSON.stringify(other.sizes) !== JSON.stringify(sizes) || other.sampleType !== sampleType) {
    return `different: it has another size or sample type (${sampleType}, again ${other.sampleType})`;
  }
  let [first, count, largest] = ["", 0, 0];
  for (let t = 0; t < sizes.t; t += 1) {
    for (let c = 0; c < sizes.c; c += 1) {
      for (let z = 0; z < sizes.z; z += 1) {
        signal.throwIfAborted();
        const [a, b] = [await made.readPlane({ t, c, z }), await again.readPlane({ t, c, z })];
        for (let i = 0; i < a.length; i += 1) {
          if (Object.is(a[i], b[i])) continue;
          if (count === 0) first = `t ${t}, c ${c}, z ${z}, y ${Math.floor(i / sizes.x)}, x ${i % sizes.x}`;
          count += 1;
          largest = Math.max(largest, Math.abs((a[i] ?? 0) - (b[i] ?? 0)));
        }
      }
    }
  }
  if (count === 0) return undefined;
  return `different: ${count} of ${sizes.t * sizes.c * sizes.z * sizes.y * sizes.x} samples, the first at ${first}; the largest difference is ${largest}`;
}

function knownProvider(name: string, result: string): ProviderName {
  const known = providerNames.find((provider) => provider === name);
  if (known !== undefined) return known;
  throw usageError("the result was made with a provider that this version does not know", {
    code: "like-provider",
    file: result,
    found: name,
    remedy: "Name another with --provider; samples may then be rounded otherwise",
  });
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
  const { openAcquisition } = await import("../../formats/open.ts");
  const { hashSource } = await import("../../runtime/result/source-hash.ts");
  const opened = await openAcquisition(source, { series, signal });
  await opened.close();
  const { sha256 } = await hashSource(sourceFilesOf(opened.acquisition), signal);
  if (sha256 === sourceSha256) return;
  throw usageError("the result was made from another source", {
    code: "like-source",
    file: source,
    found: sha256,
    allowed: `${sourceSha256} (SHA-256)`,
    remedy: "Name the file that the result was made from",
  });
}
