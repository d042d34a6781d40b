import { type Samples, sampleTypes } from "../core/acquisition.ts";
import type { Plane, PlaneSource } from "../formats/plane-source.ts";
import { denoiseStack } from "./denoise-stack.ts";
import { denormalizePlane, outputMapOf } from "./denormalize.ts";
import { planeIndexOf, type StackPlace, stackPlaces } from "./depth-axis.ts";
import { interrupted } from "./interrupted.ts";
import type { Network } from "./network.ts";
import { carryNonFinite, watchNonFinite } from "./non-finite.ts";
import { type IntensityMap, intensityMapOf } from "./normalize.ts";
import type { ChannelPlan, JobPlan } from "./plan-job.ts";
import type { ProgressMeter } from "./progress-meter.ts";
import type { StackMap } from "./provenance.ts";
import { measureLevels } from "./stack-levels.ts";
import { tileCount } from "./tile-plan.ts";

type DenoisePlan = Extract<ChannelPlan, { kind: "denoise" }>;

export interface StackWork {
  readonly plan: JobPlan;
  readonly source: PlaneSource;
  /** Takes the result's planes in their order. */
  readonly write: (plane: Plane) => Promise<void>;
  readonly network: Network;
  readonly meter: ProgressMeter;
  readonly signal: AbortSignal;
}

/** What is known when all stacks are done. */
export interface StackTotals {
  readonly clippedVoxels: number;
  /** Seconds inside the network's run calls. */
  readonly networkS: number;
  readonly stackMaps: readonly StackMap[];
  readonly notes: readonly string[];
}

/** Takes every stack of an acquisition through its channel's model, or passes it on, in the order of writing. */
export async function processStacks(work: StackWork): Promise<StackTotals> {
  const { plan, source } = work;
  let clippedVoxels = 0;
  let networkS = 0;
  let nonFinite = 0;
  let withoutRange = 0;
  const stackMaps: StackMap[] = [];

  for (const place of stackPlaces(plan.depthAxis, source.acquisition.sizes)) {
    const channel = plan.channels[place.channel];
    if (channel === undefined || channel.kind === "pass") {
      await passStack(work, place);
      continue;
    }
    const stack = await denoiseOne(work, place, channel);
    clippedVoxels += stack.clippedVoxels;
    networkS += stack.networkS;
    nonFinite += stack.nonFinite;
    if (stack.levelsEqual) withoutRange += 1;
    stackMaps.push({ ...place, map: stack.map });
  }
  return { clippedVoxels, networkS, stackMaps, notes: notesOf(nonFinite, withoutRange) };
}

function notesOf(nonFinite: number, withoutRange: number): string[] {
  const notes: string[] = [];
  if (nonFinite > 0) {
    notes.push(
      `${nonFinite} samples of the input are NaN or infinite: left out of statistics, carried to the result`,
    );
  }
  if (withoutRange > 0) {
    notes.push(
      `both percentiles are equal in ${withoutRange} stack(s), almost empty: the whole range was used instead`,
    );
  }
  return notes;
}

async function passStack(work: StackWork, place: StackPlace): Promise<void> {
  const { plan, source, signal } = work;
  const [depth, height, width] = plan.stack;
  const same = plan.sampleType === source.acquisition.sampleType;
  const read = sampleTypes[source.acquisition.sampleType].make(height * width);
  const written = same ? read : sampleTypes[plan.sampleType].make(height * width);
  work.meter.enter("writing");
  for (let at = 0; at < depth; at += 1) {
    if (signal.aborted) throw interrupted();
    const index = planeIndexOf(plan.depthAxis, place, at);
    await source.readPlane(index, { into: read, signal });
    if (!same) written.set(read);
    await work.write({ ...index, samples: written });
    work.meter.advance(height * width);
  }
}

interface StackDone {
  readonly map: IntensityMap;
  readonly clippedVoxels: number;
  readonly networkS: number;
  readonly nonFinite: number;
  readonly levelsEqual: boolean;
}

async function denoiseOne(work: StackWork, place: StackPlace, channel: DenoisePlan): Promise<StackDone> {
  const { plan, source, signal, meter } = work;
  const [depth, height, width] = plan.stack;
  const { sampleType } = source.acquisition;
  const nonFinite = watchNonFinite(sampleType);
  const readPlane = async (at: number, into: Samples): Promise<void> => {
    await source.readPlane(planeIndexOf(plan.depthAxis, place, at), { into, signal });
    nonFinite.look(at, into);
  };

  const scratch = sampleTypes[sampleType].make(height * width);
  const { map, levelsEqual } = await measureMap(work, channel, readPlane, scratch);
  const outputMap = outputMapOf(map, channel.intensity);
  const samples = sampleTypes[plan.sampleType].make(height * width);
  const voxelsPerTile = (depth * height * width) / tileCount(channel.tiles);
  let clippedVoxels = 0;
  let networkS = 0;

  meter.enter("denoising");
  await denoiseStack(
    {
      plan: channel.tiles,
      model: channel.model,
      sampleType,
      map,
      readPlane,
      async deliver(at, values) {
        clippedVoxels += denormalizePlane(values, outputMap, plan.sampleType, samples);
        const index = planeIndexOf(plan.depthAxis, place, at);
        if (nonFinite.has(at)) {
          await source.readPlane(index, { into: scratch, signal });
          carryNonFinite(scratch, plan.sampleType, samples);
        }
        await work.write({ ...index, samples });
      },
      onTile(seconds) {
        networkS += seconds;
        meter.advance(voxelsPerTile);
      },
    },
    work.network,
    signal,
  );
  return { map, clippedVoxels, networkS, nonFinite: nonFinite.count(), levelsEqual };
}

/** The stack's intensity map; reads the whole stack where percentiles are asked for. */
async function measureMap(
  { plan, source, meter, signal }: StackWork,
  { normalization }: DenoisePlan,
  readPlane: (at: number, into: Samples) => Promise<void>,
  scratch: Samples,
): Promise<{ map: IntensityMap; levelsEqual: boolean }> {
  if (normalization.kind !== "percentile") return { map: intensityMapOf(normalization), levelsEqual: false };
  meter.enter("statistics");
  const [depth] = plan.stack;
  async function* planes(): AsyncGenerator<Samples> {
    for (let at = 0; at < depth; at += 1) {
      if (signal.aborted) throw interrupted();
      await readPlane(at, scratch);
      yield scratch;
    }
  }
  const levels = await measureLevels({
    sampleType: source.acquisition.sampleType,
    lowPercentile: normalization.low,
    highPercentile: normalization.high,
    planes,
  });
  return {
    map: intensityMapOf(normalization, levels),
    levelsEqual: levels === undefined || !(levels.high > levels.low),
  };
}
