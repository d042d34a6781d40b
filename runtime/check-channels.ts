import { sampleTypes } from "../core/acquisition.ts";
import type { PlaneSource } from "../formats/plane-source.ts";
import type { DenoiseJob } from "./denoise-job.ts";
import { interrupted } from "./interrupted.ts";
import { checkNoise, type NoiseCheck } from "./noise-check.ts";
import { type NoiseEstimate, noiseSums } from "./noise-estimate.ts";
import type { ChannelPlan } from "./plan-job.ts";

/** Planes of a channel that are read to estimate its noise, spread over T and Z. */
const planesLookedAt = 16;

/**
 * Compares each denoised channel that a calibration speaks for with it: by the channel's name, else by its index, else
 * by the calibration for all. Reads a few planes; nothing where nothing is pinned.
 */
export async function checkChannels(
  references: DenoiseJob["noiseReferences"],
  source: PlaneSource,
  channels: readonly ChannelPlan[],
  signal: AbortSignal,
): Promise<readonly NoiseCheck[]> {
  if (references === undefined) return [];
  const checks: NoiseCheck[] = [];
  for (const [channel, { kind }] of channels.entries()) {
    const name = source.acquisition.channels[channel]?.name;
    const { byChannel } = references;
    const named = name === undefined ? undefined : byChannel[name];
    const reference = named ?? byChannel[String(channel)] ?? references.default;
    if (kind === "pass" || reference === undefined) continue;
    checks.push(checkNoise(channel, await estimateNoise(source, channel, signal), reference));
  }
  return checks;
}

async function estimateNoise(
  source: PlaneSource,
  channel: number,
  signal: AbortSignal,
): Promise<NoiseEstimate> {
  const { sizes, sampleType } = source.acquisition;
  const planes = sizes.t * sizes.z;
  const looks = Math.min(planes, planesLookedAt);
  const into = sampleTypes[sampleType].make(sizes.y * sizes.x);
  const sums = noiseSums({ height: sizes.y, width: sizes.x });
  for (let look = 0; look < looks; look += 1) {
    if (signal.aborted) throw interrupted();
    const plane = Math.floor(((look + 0.5) * planes) / looks);
    const index = { t: Math.floor(plane / sizes.z), c: channel, z: plane % sizes.z };
    await source.readPlane(index, { into, signal });
    sums.add(into);
  }
  return sums.estimate();
}
