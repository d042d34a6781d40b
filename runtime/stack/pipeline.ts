import { stat } from "node:fs/promises";
import { type Acquisition, planeCount, sourceFilesOf } from "../../core/acquisition.ts";
import type { ModelPackage } from "../../core/package-settings.ts";
import { writeError } from "../../formats/file/file-errors.ts";
import type { Plane, PlaneSource } from "../../formats/plane/plane-source.ts";
import { createOmeTiff } from "../../formats/tiff/ome-tiff-sink.ts";
import { sampleWritten } from "../intensity/written-sample.ts";
import type { DenoiseJob, DenoiseOutcome, Progress } from "../job/denoise-job.ts";
import { interrupted, orInterrupted } from "../job/interrupted.ts";
import type { Network } from "../job/network.ts";
import { productVersion } from "../machine/product-version.ts";
import { checkChannels } from "../plan/check-channels.ts";
import { type FreeMemory, refuseTooLittleFree } from "../plan/free-memory.ts";
import { type JobPlan, planJob, type TileLimits } from "../plan/plan-job.ts";
import { overlapOf, tileShapeOf } from "../plan/tile-plan.ts";
import { removeDoneFile, writeDoneFile } from "../result/done-file.ts";
import { isResultOf, provenanceOf } from "../result/provenance.ts";
import { type HashFiles, hashSource, refuseChangedSource, sourceState } from "../result/source-hash.ts";
import type { TellBusy } from "./busy-time.ts";
import { type OpenSource, openSource } from "./last-opened.ts";
import { processStacks } from "./process-stacks.ts";
import { createProgressMeter } from "./progress-meter.ts";
import { expectedSpeed, type TileRates } from "./tile-rates.ts";

export interface PipelineTools {
  readonly network: Network;
  /** Reads a model folder; asked once for each channel. */
  readonly packageOf: (dir: string) => Promise<ModelPackage>;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
  /** Memory that may be taken now. */
  readonly freeMemory: () => Promise<FreeMemory>;
  readonly limits?: TileLimits;
  /** What a person should know beforehand; the result carries it. */
  readonly notes?: readonly string[];
  readonly tellBusy?: TellBusy;
  /** undefined: the source's structure is read. */
  readonly openSource?: OpenSource;
  /** Of the source's files; undefined: they are read. */
  readonly hashFiles?: HashFiles;
  /** What tiles take on this machine; each tile of the job is learned. */
  readonly tileRates?: TileRates | undefined;
}

/** So often is progress told where nothing else tells it. */
const tickMs = 1000;

/**
 * Denoises one acquisition into one OME-TIFF: reads, normalizes, runs the network, blends, denormalizes and writes
 * stack by stack, re-reads what was written and only then gives it its name. Whatever goes wrong, nothing is left.
 * Throws `EdgeError`; `interrupted` when the signal was raised.
 */
export async function denoiseAcquisition(job: DenoiseJob, tools: PipelineTools): Promise<DenoiseOutcome> {
  try {
    const open = tools.openSource ?? openSource;
    const source = await open(job, tools.signal);
    try {
      return await denoiseSource(job, source, tools);
    } finally {
      await source.close();
    }
  } catch (error) {
    // Whatever the abortion made fail on its way, this is what happened.
    throw tools.signal.aborted ? interrupted() : error;
  }
}

/** What is no result of an earlier attempt of the job is left alone, also where it comes while the job runs. */
async function mayReplace({ overwrite, jobId, output }: DenoiseJob): Promise<boolean> {
  if (overwrite !== "own") return overwrite;
  return jobId !== undefined && (await isResultOf(jobId, output));
}

async function denoiseSource(
  job: DenoiseJob,
  source: PlaneSource,
  tools: PipelineTools,
): Promise<DenoiseOutcome> {
  const started = new Date();
  const { acquisition } = source;
  const totalVoxels = planeCount(acquisition.sizes) * acquisition.sizes.y * acquisition.sizes.x;
  const meter = createProgressMeter({
    totalVoxels,
    now: () => performance.now(),
    report: tools.onProgress,
  });
  meter.enter("opening");
  const plan = await planJob(job, acquisition, tools.packageOf, tools.limits);
  refuseTooLittleFree(plan, acquisition, await tools.freeMemory());
  const { tileRates } = tools;
  const denoised = plan.channels.filter(({ kind }) => kind === "denoise").length / plan.channels.length;
  meter.expect(totalVoxels * denoised, tileRates && expectedSpeed(plan, tileRates));
  const ownFiles = sourceFilesOf(acquisition);
  const stateBefore = await sourceState(ownFiles);

  const { sampleType, depthAxis } = plan;
  const sink = await createOmeTiff(
    job.output,
    {
      acquisition: ofResult(acquisition, plan),
      sampleType,
      compression: job.compression,
      fastest: depthAxis,
    },
    { overwrite: await mayReplace(job), access: job.access },
  );
  // The hash is made beside the rest, and given up with it.
  const ending = new AbortController();
  const hashing = hashSource(ownFiles, AbortSignal.any([tools.signal, ending.signal]), tools.hashFiles);
  hashing.catch(() => undefined);
  const ticking = setInterval(meter.tick, tickMs);
  try {
    const sample = sampleWritten(acquisition.sizes, planeCount(acquisition.sizes), job.output);
    const write = async (plane: Plane): Promise<void> => {
      sample.saw(plane);
      await sink.write(plane);
    };
    const { network, signal } = tools;
    const { noise, warnings } = await checkChannels(job.noiseReferences, source, plan.channels, signal);
    const { tellBusy } = tools;
    const totals = await processStacks({
      plan,
      source,
      write,
      output: job.output,
      nonFinite: job.nonFinite,
      network,
      meter,
      tileRates,
      signal,
      tellBusy,
    });
    const { sha256: sourceSha256, files: sourceFiles, fileCount } = await orInterrupted(hashing, signal);
    await refuseChangedSource(acquisition.file, ownFiles, stateBefore);

    const finished = new Date();
    const clippedShare = totals.clippedVoxels / totalVoxels;
    const access = sink.accessProblem === undefined ? [] : [sink.accessProblem];
    const notes = [...(tools.notes ?? []), ...plan.notes, ...totals.notes, ...warnings, ...access];
    meter.enter("verifying");
    if (job.doneFile) await removeDoneFile(job.output);
    await sink.finish(
      provenanceOf({
        productVersion,
        runtimeVersion: network.runtimeVersion,
        nodeVersion: process.versions.node,
        provider: network.provider,
        threads: network.threads,
        jobId: job.jobId,
        acquisition,
        sourceFileCount: fileCount,
        sourceSha256,
        supersedes: job.supersedes,
        plan,
        stackMaps: totals.stackMaps,
        clippedShare,
        notes,
        started,
        finished,
      }),
      sample.check,
    );
    const {
      size: outputBytes,
      ino: inode,
      mtimeMs,
      ctimeMs,
    } = await stat(job.output).catch((error: unknown) => {
      throw writeError(error, job.output);
    });
    const outcome: DenoiseOutcome = {
      output: job.output,
      outputBytes,
      outputLook: { inode, mtimeMs, ctimeMs },
      sourceSha256,
      sourceFiles,
      provider: network.provider,
      ...tilesOf(plan),
      voxels: totalVoxels,
      elapsedS: (Date.now() - started.getTime()) / 1000,
      networkS: totals.networkS,
      clippedShare,
      notes,
      ...(noise.length === 0 ? {} : { noise }),
    };
    if (job.doneFile) await writeDoneFile(outcome, job, finished);
    return outcome;
  } finally {
    clearInterval(ticking);
    ending.abort();
    await sink.abort();
  }
}

/** A 12-bit camera's values stay below 4096; what a network makes of them need not. */
function ofResult(acquisition: Acquisition, { channels }: JobPlan): Acquisition {
  if (channels.every(({ kind }) => kind === "pass")) return acquisition;
  const { significantBits: _ofTheCamera, ...rest } = acquisition;
  return rest;
}

/** Those of the first channel that goes through a network; zeros where none does. */
function tilesOf({ channels }: JobPlan): Pick<DenoiseOutcome, "tile" | "overlap"> {
  const first = channels.find((channel) => channel.kind === "denoise");
  if (first === undefined) return { tile: [0, 0, 0], overlap: [0, 0, 0] };
  return { tile: tileShapeOf(first.tiles), overlap: overlapOf(first.tiles) };
}
