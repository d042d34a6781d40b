import { isAllZero, planeCount, type Samples, sampleTypes } from "../../core/acquisition.ts";
import { formatError } from "../../core/errors.ts";
import { intensityMapOf } from "../../core/intensity-map.ts";
import type { Plane, PlaneSource } from "../../formats/plane/plane-source.ts";
import { denormalizePlane, type OutputMap, outputMapOf } from "../intensity/denormalize.ts";
import { carryNonFinite, watchNonFinite } from "../intensity/non-finite.ts";
import { measureLevels } from "../intensity/stack-levels.ts";
import type { DenoiseJob } from "../job/denoise-job.ts";
import { interrupted } from "../job/interrupted.ts";
import type { Network } from "../job/network.ts";
import { planeIndexOf, type StackPlace, stackPlaces } from "../plan/depth-axis.ts";
import type { DenoisePlan, JobPlan } from "../plan/plan-job.ts";
import { tileCount, tileShapeOf } from "../plan/tile-plan.ts";
import type { StackMap } from "../result/provenance.ts";
import { asFunction, type PlaneStream, resolveOperators } from "../zoo/resolve-operators.ts";
import { openZooOutput } from "../zoo/zoo-output.ts";
import { type TellBusy, timed, timedAsync } from "./busy-time.ts";
import { denoiseStack } from "./denoise-stack.ts";
import type { ProgressMeter } from "./progress-meter.ts";
import type { TileRates } from "./tile-rates.ts";

export interface StackWork {
  readonly plan: JobPlan;
  readonly source: PlaneSource;
  /** Takes the result's planes in their order. */
  readonly write: (plane: Plane) => Promise<void>;
  /** The result's final name. */
  readonly output: string;
  readonly nonFinite: DenoiseJob["nonFinite"];
  readonly network: Network;
  readonly meter: ProgressMeter;
  /** What each tile took is learned for the next estimate. */
  readonly tileRates?: TileRates | undefined;
  readonly signal: AbortSignal;
  readonly tellBusy?: TellBusy | undefined;
}

/** Takes every stack of an acquisition through its channel's model, or passes it on, in the order of writing. */
export async function processStacks(work: StackWork) {
  const { plan, source } = work;
  let clippedVoxels = 0;
  /** Seconds inside the network's run calls. */
  let networkS = 0;
  let nonFinite = 0;
  let withoutRange = 0;
  let zeroPlanes = 0;
  const stackMaps: StackMap[] = [];

  for (const place of stackPlaces(plan.depthAxis, source.acquisition.sizes)) {
    const channel = plan.channels[place.channel];
    if (channel === undefined || channel.kind === "pass") {
      zeroPlanes += await passStack(work, place);
      continue;
    }
    const stack = await denoiseOne(work, place, channel);
    clippedVoxels += stack.clippedVoxels;
    networkS += stack.networkS;
    nonFinite += stack.nonFinite;
    zeroPlanes += stack.zeroPlanes;
    if (stack.levelsEqual) withoutRange += 1;
    stackMaps.push({ ...place, map: stack.map });
  }
  const notes: string[] = [];
  const planes = planeCount(source.acquisition.sizes);
  // A stack that is black throughout has no holes.
  if (zeroPlanes > 0 && zeroPlanes < planes) {
    notes.push(`${zeroPlanes} of ${planes} planes hold only zeros: they may never have been written`);
  }
  if (nonFinite > 0) {
    notes.push(
      `${nonFinite} samples of the input are NaN or infinite: left out of statistics, carried to the result`,
    );
  }
  if (withoutRange > 0) {
    notes.push(
      `both percentiles are equal in ${withoutRange} almost empty stack(s): the distance from them to the largest sample was used instead`,
    );
  }
  notes.push(...coarseNote(plan, stackMaps));
  return { clippedVoxels, networkS, stackMaps, notes };
}

/** With fewer levels between dark and bright than this, the steps of integer samples show in a smooth result. */
const fewLevels = 32;

function coarseNote({ channels, sampleType }: JobPlan, maps: readonly StackMap[]): string[] {
  if (!sampleTypes[sampleType].integer) return [];
  const scaled = maps.filter(({ channel }) => {
    const own = channels[channel];
    return own?.kind === "denoise" && own.normalization.kind !== "none";
  });
  const narrowest = scaled.reduce((least, { map }) => Math.min(least, map.range), Number.POSITIVE_INFINITY);
  if (narrowest >= fewLevels) return [];
  return [
    `only ${Math.max(1, Math.round(narrowest))} grey levels lie between dark and bright, so the result may show steps; ` +
      "as float32 (--dtype, or dtype of the folder) it has none",
  ];
}

/** Answers how many of its planes hold only zeros. */
async function passStack(work: StackWork, place: StackPlace): Promise<number> {
  const { plan, source, signal } = work;
  const [depth, height, width] = plan.stack;
  const same = plan.sampleType === source.acquisition.sampleType;
  const read = sampleTypes[source.acquisition.sampleType].make(height * width);
  const written = same ? read : sampleTypes[plan.sampleType].make(height * width);
  let zeroPlanes = 0;
  work.meter.enter("writing");
  for (let at = 0; at < depth; at += 1) {
    if (signal.aborted) throw interrupted();
    const index = planeIndexOf(plan.depthAxis, place, at);
    await source.readPlane(index, { into: read, signal });
    if (isAllZero(read)) zeroPlanes += 1;
    if (!same) written.set(read);
    await work.write({ ...index, samples: written });
    work.meter.advance(height * width);
  }
  return zeroPlanes;
}

async function denoiseOne(work: StackWork, place: StackPlace, channel: DenoisePlan) {
  const { plan, source, signal, meter } = work;
  const [depth, height, width] = plan.stack;
  const { sampleType } = source.acquisition;
  const nonFinite = watchNonFinite(sampleType);
  /** Places of planes that hold only zeros; each plane is read more than once. */
  const zeroPlanes = new Set<number>();
  const readPlane = async (at: number, into: Samples): Promise<void> => {
    await timedAsync("reading", work.tellBusy, () =>
      source.readPlane(planeIndexOf(plan.depthAxis, place, at), { into, signal }),
    );
    nonFinite.look(at, into);
    if (isAllZero(into)) zeroPlanes.add(at);
    if (work.nonFinite !== "refuse" || !nonFinite.has(at)) return;
    throw formatError("the file holds samples that are NaN or infinite", {
      code: "input-non-finite",
      file: source.acquisition.file,
      at: `channel ${place.channel}, plane ${at} of its stack`,
      remedy: "Correct the file, or keep these samples with --non-finite carry (non_finite: carry)",
    });
  };

  const scratch = sampleTypes[sampleType].make(height * width);
  const input = planeStream(work, readPlane, scratch);
  const { map, levelsEqual, before } = await measureMap(work, channel, input);
  // Two, so that one plane is being written while the next is made.
  const places = [0, 1].map(() => sampleTypes[plan.sampleType].make(height * width));
  let writing: Promise<void> = Promise.resolve();
  const voxelsPerTile = (depth * height * width) / tileCount(channel.tiles);
  const tileShape = tileShapeOf(channel.tiles);
  let clippedVoxels = 0;
  let networkS = 0;

  const finish = async (at: number, values: Float32Array, outputMap: OutputMap): Promise<void> => {
    const samples = places[at % places.length] as Samples;
    clippedVoxels += timed("denormalizing", work.tellBusy, () =>
      denormalizePlane(values, outputMap, plan.sampleType, samples),
    );
    const index = planeIndexOf(plan.depthAxis, place, at);
    if (nonFinite.has(at)) {
      await source.readPlane(index, { into: scratch, signal });
      carryNonFinite(scratch, plan.sampleType, samples);
    }
    await writing;
    writing = timedAsync("writing", work.tellBusy, () => work.write({ ...index, samples }));
    writing.catch(() => undefined);
  };
  const outputMap = outputMapOf(map, channel.intensity);
  const zooOutput =
    channel.zoo === undefined || before === undefined
      ? undefined
      : await openZooOutput({
          after: channel.zoo.after,
          before,
          input,
          planeVoxels: height * width,
          target: work.output,
          finish,
        });

  meter.enterTiles(voxelsPerTile);
  try {
    await denoiseStack(
      {
        plan: channel.tiles,
        model: channel.model,
        sampleType,
        map,
        readPlane,
        tellBusy: work.tellBusy,
        deliver: (at, values) => zooOutput?.deliver(at, values) ?? finish(at, values, outputMap),
        onTile(seconds) {
          networkS += seconds;
          work.tileRates?.learn(channel.model.modelSha256, tileShape, seconds);
          meter.advance(voxelsPerTile);
        },
      },
      work.network,
      signal,
    );
    await zooOutput?.end();
    await writing;
  } finally {
    await zooOutput?.close();
    // Nothing may still write when the caller closes its files.
    await Promise.allSettled([writing]);
  }
  return {
    map,
    clippedVoxels,
    networkS,
    nonFinite: nonFinite.count(),
    zeroPlanes: zeroPlanes.size,
    levelsEqual,
  };
}

/** The stack's planes one after the other, all in `scratch`. */
function planeStream(
  { plan, source, signal }: StackWork,
  readPlane: (at: number, into: Samples) => Promise<void>,
  scratch: Samples,
): PlaneStream {
  return {
    depth: plan.stack[0],
    sampleType: source.acquisition.sampleType,
    async *planes(first, end) {
      for (let at = first; at < end; at += 1) {
        if (signal.aborted) throw interrupted();
        await readPlane(at, scratch);
        yield scratch;
      }
    },
  };
}

/**
 * The stack's intensity map; reads the whole stack where statistics are asked for. `before`, of a zoo model: the
 * operators before the network, plane by plane.
 */
async function measureMap({ meter }: StackWork, { normalization, zoo }: DenoisePlan, input: PlaneStream) {
  if (zoo !== undefined) {
    meter.enter("statistics");
    const before = await resolveOperators(zoo.before, input, input);
    const operators = Array.from({ length: input.depth }, (_, at) => asFunction(before(at)));
    const map = {
      ...intensityMapOf({ kind: "none" }),
      operators: (at: number) => operators[at] ?? asFunction([]),
    };
    return { map, levelsEqual: false, before };
  }
  if (normalization.kind !== "percentile") return { map: intensityMapOf(normalization), levelsEqual: false };
  meter.enter("statistics");
  const levels = await measureLevels({
    sampleType: input.sampleType,
    lowPercentile: normalization.low,
    highPercentile: normalization.high,
    planes: () => input.planes(0, input.depth),
  });
  return {
    map: intensityMapOf(normalization, levels),
    levelsEqual: levels === undefined || !(levels.high > levels.low),
  };
}
