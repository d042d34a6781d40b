import { basename, dirname, join, relative } from "node:path";
import { machineError } from "../../core/errors.ts";
import { present } from "../../core/record.ts";
import { fittedName } from "../../formats/file/name-limit.ts";
import { imageStem } from "../../formats/image-name.ts";
import { nameReader } from "../../formats/numbered/file-pattern.ts";
import type { DenoiseJobInput } from "../../runtime/job/denoise-job.ts";
import { modelIdentity } from "../../runtime/job/model-identity.ts";
import { type ResultKind, resultEndings, resultKindOf } from "../../runtime/job/result-name.ts";
import { doneEnding } from "../../runtime/result/done-file.ts";
import { modelsOf } from "../config/resolve.ts";
import type { Folder } from "../folder/folder.ts";
import { noiseReferencesOf } from "../folder/pinned-calibrations.ts";
import type { StandingQuestion } from "../folder-io/standing-results.ts";
import type { Job } from "../ledger/job.ts";
import { type Model, packagesOf, type VerifiedModel } from "../models/models.ts";
import type { ClaimedJob } from "./job-queue.ts";

/** A float32 result of 8-bit samples is the most that a result can outgrow its source. */
const float32Bytes = 4;

/** So many newer contents of one source are told apart by their names where the ledger does not know the older ones. */
const newerContents = 50;

/** A job with what its folder and the models, as they stand now, make of it. */
export function claimedJob(job: Job, folder: Folder, models: readonly Model[]): ClaimedJob {
  const { output, dtype, done_file } = folder.config;
  const nameBytes = folder.nameBytes() - (done_file ? doneEnding.length : 0);
  const kind = resultKindOf(packagesOf(folder.config, models));
  const isNamed = job.output !== undefined;
  const outputs = isNamed ? [job.output] : outputNames(output, job, kind, nameBytes);
  const newer = Array.from({ length: isNamed ? 0 : newerContents }, (_, index) => {
    const revision = job.revision + 1 + index;
    const name = namer(output, { ...job, revision, hasEarlierResult: true }, kind, nameBytes);
    const [best, other] = stemsOf(job);
    return [name(best), name(other)] as const;
  });
  const [first] = outputs;
  return {
    job,
    outputs,
    newer,
    into: first === undefined ? output : dirname(first),
    resultBytes: dtype === "float32" ? job.voxels * float32Bytes : job.sampleBytes,
  };
}

/** The packages of all models that the folder runs. Throws `EdgeError` (`package-unverified`) where one is not in order. */
export function verifiedModels(folder: Folder, models: readonly Model[]): readonly VerifiedModel[] {
  return modelsOf(folder.config).map((dir) => {
    const found = models.find((model) => model.dir === dir);
    if (found !== undefined && "package" in found) return found;
    throw machineError("the model of the folder is not verified", {
      code: "package-unverified",
      file: dir,
      retryable: true,
    });
  });
}

/** What the engine is asked to do for a job that was just started. */
export function jobOrder(job: Job, folder: Folder, models: readonly VerifiedModel[]): DenoiseJobInput {
  const { path, model, channels, tile, overlap, depth_axis, non_finite, dtype, compression, done_file } =
    folder.config;
  const template = folder.config.pattern;
  const isNumbered = template !== null && nameReader(template)(job.source) !== undefined;
  const files = job.members.map((member) => join(path, member));
  const verified = Object.fromEntries(models.map((one) => [one.dir, modelIdentity(one.package)]));
  const output = job.output ?? "";
  const supersedes = (job.supersedes ?? []).map(({ output: older, ...its }) => ({
    ...its,
    result: relative(dirname(output), older),
  }));
  return {
    input: join(path, job.source),
    series: job.series,
    ...(isNumbered && { pattern: { template, files } }),
    isSet: files.length > 1,
    output,
    jobId: job.id,
    supersedes,
    // An earlier attempt may have ended after its result had its name and before the ledger knew.
    overwrite: job.attempt > 1 ? "own" : false,
    models: { default: model, byChannel: { ...channels }, verified },
    ...present({ tile, overlap, sampleType: dtype, noiseReferences: noiseReferencesOf(folder.pinned) }),
    depthAxis: depth_axis,
    nonFinite: non_finite,
    compression,
    doneFile: done_file,
    access: folder.access,
  };
}

/** What a job's result would be, to be held against what lies under its names. */
export function standingQuestion(
  { job, outputs, newer }: Pick<ClaimedJob, "job" | "outputs" | "newer">,
  /** Those of its outputs that may be its result's. */
  names: readonly string[],
  folder: Folder,
  models: readonly VerifiedModel[],
): StandingQuestion {
  return {
    names: names.map((plain) => {
      const place = outputs.indexOf(plain);
      return { plain, newer: newer.flatMap((of) => of[place] ?? []) };
    }),
    order: jobOrder(job, folder, models),
    packages: Object.fromEntries(models.map((model) => [model.dir, model.package])),
    isReserved: job.output !== undefined,
  };
}

/** How many numbered names a job may fall back on; each is only taken when another job has the one before. */
const numberedNames = 20;

/**
 * The names that a job's result may have, the first free one being taken: `<stem>.denoised.ome.tif` (`kind` decides) in
 * the same subfolder; with `.series-2` where the file has several, `.r2` for its second content where the first may have
 * left a result, the source's full name where two sources share a stem (`a.tif`, `a.ome.tif`), and a number where even
 * that is taken. A name that is longer than `limitBytes` is shortened. Pure.
 */
export function outputNames(...of: Parameters<typeof namer>): string[] {
  const [, job] = of;
  const { source } = job;
  const name = namer(...of);
  const numbered = Array.from({ length: numberedNames }, (_, index) => name(source, `-${index + 2}`));
  return [...stemsOf(job).map((stem) => name(stem)), ...numbered];
}

/**
 * What a result is named after, the best first: the source's stem, or its full name where a result of its earlier content
 * has that. The stem is another source's then, and `a.r2` would be taken for newer content of that one.
 */
function stemsOf({ source, supersedes = [] }: Pick<Job, "source" | "supersedes">): [string, string] {
  const stem = imageStem(source);
  const isFull = supersedes.some(({ output }) => basename(output).startsWith(`${basename(source)}.`));
  return isFull ? [source, stem] : [stem, source];
}

function namer(
  folder: string,
  job: Pick<Job, "source" | "series" | "seriesCount" | "revision" | "hasEarlierResult" | "supersedes">,
  kind: ResultKind,
  limitBytes: number,
) {
  const series = job.seriesCount > 1 ? `.series-${job.series}` : "";
  const revision = job.hasEarlierResult ? `.r${job.revision}` : "";
  return (stem: string, number = ""): string => {
    const folders = stem.split("/");
    const last = folders.pop() ?? "";
    const ending = `${number}${series}${revision}${resultEndings[kind]}`;
    return join(
      folder,
      ...folders.map((one) => fittedName(one, "", limitBytes)),
      fittedName(last, ending, limitBytes),
    );
  };
}
