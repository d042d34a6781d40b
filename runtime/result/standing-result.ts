import { basename } from "node:path";
import { type Acquisition, planeCount } from "../../core/acquisition.ts";
import type { DenoiseJob, DenoiseOutcome } from "../job/denoise-job.ts";
import { tilesAreAsked } from "../plan/choose-tile.ts";
import type { JobPlan } from "../plan/plan-job.ts";
import { overlapOf, tileShapeOf } from "../plan/tile-plan.ts";
import { jobKey, readStatedResult, type StatedResult, settingsStated } from "./provenance.ts";
import type { SourceHash } from "./source-hash.ts";

/** What is known of a job from its result alone. How long the network took, and what the noise was, it does not state. */
export interface StandingOutcome extends Omit<DenoiseOutcome, "networkS" | "noise"> {
  /** When the result was finished, as it states (RFC 3339). */
  readonly knownFromResult: string;
}

/** What a file under the name of a job's result is to that job. */
export type Standing =
  /** The job's result, whole: nothing is left to do. */
  | { readonly kind: "result"; readonly outcome: StandingOutcome }
  /** A result of the same source that was made in another way: `how` says so. */
  | { readonly kind: "made-otherwise"; readonly how: string }
  /** A result of a source of the same name, with other content. */
  | { readonly kind: "other-content" }
  /** A result of another source, or of another of its images. */
  | { readonly kind: "other-source" }
  /** Nothing that can be read as a result of ours. */
  | { readonly kind: "foreign" };

/** The job that a file is held against. */
export interface ExpectedResult {
  readonly job: Pick<DenoiseJob, "jobId" | "series" | "tile" | "overlap">;
  readonly source: Acquisition;
  readonly plan: JobPlan;
  /** The name was reserved for this job when nothing lay there: what states the job was made by it, with whatever settings. */
  readonly isReserved: boolean;
  /** Asked for only where the file states a source of this name. */
  readonly hash: () => Promise<Pick<SourceHash, "sha256" | "files">>;
}

/** Says what `file` is to a job. Throws what `expected.hash` throws. */
export async function judgeStanding(file: string, expected: ExpectedResult): Promise<Standing> {
  const result = await readStatedResult(file);
  if (result === undefined) return { kind: "foreign" };
  const { stated } = result;
  const { job, source } = expected;
  const isOfSource =
    stated.get("Source file") === basename(source.file) && stated.get("Source series") === String(job.series);
  if (!isOfSource) return { kind: "other-source" };
  const { sha256, files } = await expected.hash();
  if (stated.get("Source sha256") !== sha256) return { kind: "other-content" };
  const own = expected.isReserved && job.jobId !== undefined && stated.get(jobKey) === job.jobId;
  const how = own ? undefined : otherwise(result, expected);
  if (how !== undefined) return { kind: "made-otherwise", how };
  const outcome = outcomeStated(file, result);
  return outcome === undefined
    ? { kind: "foreign" }
    : { kind: "result", outcome: { ...outcome, sourceFiles: files } };
}

/** How a result of the same source differs from what the job would make, as a person says it. Pure. */
function otherwise(
  { acquisition, stated }: StatedResult,
  { job, source, plan }: ExpectedResult,
): string | undefined {
  const { sizes } = acquisition;
  if ((["t", "c", "z", "y", "x"] as const).some((axis) => sizes[axis] !== source.sizes[axis])) {
    return "with other sizes than its source";
  }
  for (const [key, value] of settingsStated(plan)) {
    if (stated.get(key) === value) continue;
    const what = key.replace(/^Channel \d+: /, "");
    if (!what.startsWith("Model"))
      return `with another setting ("${key}" is ${stated.get(key) ?? "not stated"})`;
    const model = stated.get(key.slice(0, key.length - what.length).concat("Model"));
    return `with another model (${model ?? "it does not state which"})`;
  }
  if (acquisition.sampleType !== plan.sampleType)
    return `with another sample type (${acquisition.sampleType})`;
  return tilesAreAsked(job) ? otherTiles(stated, plan) : undefined;
}

function otherTiles(stated: StatedResult["stated"], { channels }: JobPlan): string | undefined {
  for (const [index, channel] of channels.entries()) {
    if (channel.kind === "pass") continue;
    const made = [ofChannel(stated, "Tile", index, channels.length)?.replace(/ .*$/, "")];
    made.push(ofChannel(stated, "Overlap", index, channels.length));
    const own = [tileShapeOf(channel.tiles).join(","), overlapOf(channel.tiles).join(",")];
    if (made.join() !== own.join()) return `with other tiles (${made.join(", overlap ")})`;
  }
  return undefined;
}

function ofChannel(stated: StatedResult["stated"], key: string, index: number, channels: number) {
  return stated.get(channels > 1 ? `Channel ${index}: ${key}` : key);
}

/** What a result states of its job; undefined where it does not state all of it, as when somebody changed it. Pure. */
function outcomeStated(
  file: string,
  { acquisition, bytes, stated, notes }: StatedResult,
): Omit<StandingOutcome, "sourceFiles"> | undefined {
  const { sizes } = acquisition;
  const [provider, sourceSha256] = [stated.get("Provider"), stated.get("Source sha256")];
  const finishedMs = Date.parse(stated.get("Finished") ?? "");
  const [elapsedS, clippedShare] = ["Elapsed s", "Clipped share"].map((key) => Number(stated.get(key)));
  if (provider === undefined || sourceSha256 === undefined || Number.isNaN(finishedMs)) return undefined;
  if (!(elapsedS !== undefined && elapsedS >= 0 && Number.isFinite(elapsedS))) return undefined;
  if (!(clippedShare !== undefined && clippedShare >= 0 && clippedShare <= 1)) return undefined;
  return {
    output: file,
    outputBytes: bytes,
    sourceSha256,
    provider,
    tile: boxStated(stated, "Tile", sizes.c),
    overlap: boxStated(stated, "Overlap", sizes.c),
    voxels: planeCount(sizes) * sizes.y * sizes.x,
    elapsedS,
    clippedShare,
    notes,
    knownFromResult: new Date(finishedMs).toISOString(),
  };
}

/** That of the first channel that went through a network, as the engine tells it; zeros where none did. */
function boxStated(stated: StatedResult["stated"], key: string, channels: number): [number, number, number] {
  for (let index = 0; index < channels; index += 1) {
    const sides = /^(\d{1,9}),(\d{1,9}),(\d{1,9})\b/.exec(ofChannel(stated, key, index, channels) ?? "");
    if (sides !== null) return [Number(sides[1]), Number(sides[2]), Number(sides[3])];
  }
  return [0, 0, 0];
}
