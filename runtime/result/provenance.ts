import { lstat } from "node:fs/promises";
import { basename } from "node:path";
import type { Acquisition } from "../../core/acquisition.ts";
import type { IntensityMap } from "../../core/intensity-map.ts";
import type { Operator } from "../../core/operators.ts";
import { intensityWords, slopeWords } from "../../export/package/settings-words.ts";
import { statedTaskOf, taskWords } from "../../export/package/stated-task.ts";
import { provenancesIn } from "../../formats/ome/read-provenance.ts";
import { openAcquisition } from "../../formats/open.ts";
import type { Provenance } from "../../formats/plane/plane-sink.ts";
import type { DenoiseJob } from "../job/denoise-job.ts";
import type { ChannelPlan, DenoisePlan, JobPlan } from "../plan/plan-job.ts";
import { computedWords, overlapOf, tileShapeOf } from "../plan/tile-plan.ts";

/** The numbers that one stack was normalized with. */
export interface StackMap {
  readonly channel: number;
  /** On T where depth is Z, on Z where depth is T. */
  readonly other: number;
  readonly map: IntensityMap;
}

interface ProvenanceFacts {
  readonly productVersion: string;
  readonly runtimeVersion: string;
  readonly nodeVersion: string;
  readonly provider: string;
  readonly threads: number | undefined;
  readonly jobId: string | undefined;
  readonly acquisition: Acquisition;
  /** How many files were read and hashed. */
  readonly sourceFileCount: number;
  readonly sourceSha256: string;
  readonly supersedes?: DenoiseJob["supersedes"];
  readonly plan: JobPlan;
  readonly stackMaps: readonly StackMap[];
  readonly clippedShare: number;
  readonly notes: readonly string[];
  readonly started: Date;
  readonly finished: Date;
}

/** Under which a result states the daemon's job that made it. */
export const jobKey = "Job";

/** Where an acquisition has more stacks than this, their numbers are stated as a range. */
const listedStacks = 32;

/** How a result came about, for the person who opens it in ten years. */
export function provenanceOf(facts: ProvenanceFacts): Provenance {
  const { acquisition, plan } = facts;
  const several = plan.channels.length > 1;
  return [
    ["Software", `cnnt-edge ${facts.productVersion}`],
    ["Runtime", `onnxruntime-node ${facts.runtimeVersion}, Node ${facts.nodeVersion}`],
    ["Provider", facts.provider],
    ...(facts.threads === undefined ? [] : [["Threads", String(facts.threads)] as const]),
    ...(facts.jobId === undefined ? [] : [[jobKey, facts.jobId] as const]),
    ["Source file", basename(acquisition.file)],
    ["Source series", String(acquisition.series)],
    ["Source files", String(facts.sourceFileCount)],
    ["Source sha256", facts.sourceSha256],
    ...(facts.supersedes ?? []).flatMap(
      ({ result, job, sourceSha256 }): Provenance => [
        ["Supersedes", result],
        ["Superseded job", job],
        ["Superseded source sha256", sourceSha256],
      ],
    ),
    ["Depth axis", plan.depthAxis.toUpperCase()],
    ...plan.channels.flatMap((channel, index): Provenance => {
      const prefix = several ? `Channel ${index}: ` : "";
      return ofChannel(channel, index, facts).map(([key, value]) => [`${prefix}${key}`, value] as const);
    }),
    ["Clipped share", String(facts.clippedShare)],
    ...facts.notes.map((note) => ["Note", note] as const),
    ["Started", facts.started.toISOString()],
    ["Finished", facts.finished.toISOString()],
    ["Elapsed s", ((facts.finished.getTime() - facts.started.getTime()) / 1000).toFixed(3)],
  ];
}

function ofChannel(
  channel: ChannelPlan,
  index: number,
  facts: Pick<ProvenanceFacts, "stackMaps">,
): Provenance {
  if (channel.kind === "pass") return [["Model", "none (passed on unchanged)"]];
  const { model, tiles, intensity, zoo } = channel;
  return [
    ["Model", `${model.name} ${model.version}`],
    ["Model sha256", model.modelSha256],
    ["Model task", taskWords(statedTaskOf(model))],
    ["Tile", `${tileShapeOf(tiles).join(",")} (depth,height,width)`],
    ["Overlap", overlapOf(tiles).join(",")],
    ["Blend", "ramp"],
    ["Tile plan", `${tiles.kind}; ${computedWords(tiles)}`],
    ["Normalization", describeNormalization(channel)],
    ...(channel.normalization.kind === "none"
      ? []
      : describeMaps(facts.stackMaps.filter((stack) => stack.channel === index))),
    ...(zoo === undefined || zoo.after.length === 0
      ? ([
          ["Intensity meaning", intensityWords(intensity)],
          ["Intensity slope", slopeWords(model.settings.pairs)],
        ] as const)
      : [["Operators after", describeOperators(zoo.after)] as const]),
    ...(intensity.meaning === "affine"
      ? [["Intensity map", `${intensity.gain} x + ${intensity.offset}`] as const]
      : []),
  ];
}

function describeNormalization({ normalization, zoo }: DenoisePlan): string {
  if (zoo !== undefined) return describeOperators(zoo.before);
  if (normalization.kind === "none") return "none";
  const { kind, low, high, clip } = normalization;
  return `${kind} ${low} to ${high}, ${clip ? "clipped" : "not clipped"}`;
}

/** `scale_range low 1 high 99 eps 0.000001 scope plane of itself, clip min 0 max 1` */
function describeOperators(operators: readonly Operator[]): string {
  if (operators.length === 0) return "no operators";
  const inWords = ({ name, ...values }: Operator): string =>
    [name, ...Object.entries(values).map(([key, value]) => `${key} ${value}`)].join(" ");
  return operators.map(inWords).join(", ");
}

function describeMaps(stacks: readonly StackMap[]): Provenance {
  const inWords = ({ map }: StackMap): string => `${map.low} to ${map.low + map.range}`;
  const [first] = stacks;
  if (first === undefined) return [];
  if (stacks.length === 1) return [["Normalized from", inWords(first)]];
  if (stacks.length <= listedStacks) {
    return stacks.map((stack) => [`Normalized from, stack ${stack.other}`, inWords(stack)] as const);
  }
  const lows = stacks.map(({ map }) => map.low);
  const highs = stacks.map(({ map }) => map.low + map.range);
  const range = (values: readonly number[]): string => {
    const lowest = values.reduce((a, b) => Math.min(a, b));
    const highest = values.reduce((a, b) => Math.max(a, b));
    return `${lowest} … ${highest}`;
  };
  return [["Normalized from", `${range(lows)} to ${range(highs)} (${stacks.length} stacks)`]];
}

/** Of what a channel states, what does not decide a pixel, or is decided anew by each attempt: tiles follow the memory. */
const notSettings: ReadonlySet<string> = new Set([
  "Model task",
  "Tile",
  "Overlap",
  "Blend",
  "Tile plan",
  "Intensity meaning",
  "Intensity slope",
]);

/** What each result of a plan states of how it was asked for: its axis and its models, with their normalizations and maps. */
export function settingsStated(plan: JobPlan): Provenance {
  const several = plan.channels.length > 1;
  return [
    ["Depth axis", plan.depthAxis.toUpperCase()],
    ...plan.channels.flatMap((channel, index): Provenance => {
      const stated = ofChannel(channel, index, { stackMaps: [] }).filter(([key]) => !notSettings.has(key));
      // A model is told by its hash; another name is no other model.
      const counted = stated.filter(([key]) => key !== "Model" || channel.kind === "pass");
      return counted.map(([key, value]) => [`${several ? `Channel ${index}: ` : ""}${key}`, value] as const);
    }),
  ];
}

/** A result of ours that can be opened, and what it states of how it came about. */
export interface StatedResult {
  readonly acquisition: Acquisition;
  readonly bytes: number;
  /** By key; of `Note`, of which there may be several, see `notes`. */
  readonly stated: ReadonlyMap<string, string>;
  readonly notes: readonly string[];
}

/** Reads what `file` states, and no plane. undefined where it is no whole file that states anything of ours. */
export async function readStatedResult(file: string): Promise<StatedResult | undefined> {
  const facts = await lstat(file).catch(() => undefined);
  if (facts?.isFile() !== true) return undefined;
  const source = await openAcquisition(file).catch(() => undefined);
  if (source === undefined) return undefined;
  const { acquisition } = source;
  await source.close();
  if (acquisition.original.kind !== "ome-xml") return undefined;
  // The last is the file's own; those before are of results that it was made from.
  const own = provenancesIn(acquisition.original.xml).at(-1);
  if (own === undefined) return undefined;
  const notes = own.flatMap(([key, value]) => (key === "Note" ? [value] : []));
  return { acquisition, bytes: facts.size, stated: new Map(own), notes };
}

/** Whether `file` is a whole result that says of itself that the job `jobId` made it. False where nothing lies there. */
export async function isResultOf(jobId: string, file: string): Promise<boolean> {
  return (await readStatedResult(file))?.stated.get(jobKey) === jobId;
}
