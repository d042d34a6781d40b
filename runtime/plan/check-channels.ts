import { sampleTypes } from "../../core/acquisition.ts";
import type { PlaneSource } from "../../formats/plane/plane-source.ts";
import { checkNoise, littleSignal, type NoiseCheck } from "../intensity/noise-check.ts";
import { type NoiseEstimate, noiseSums } from "../intensity/noise-estimate.ts";
import type { DenoiseJob } from "../job/denoise-job.ts";
import { interrupted } from "../job/interrupted.ts";
import type { ChannelPlan } from "./plan-job.ts";

/** Planes of a channel that are read to estimate its noise, spread over T and Z. */
const planesLookedAt = 16;

/**
 * Looks at a few planes of each denoised channel: whether there is signal to speak of, and how it stands against the
 * calibration that speaks for it: by the channel's name, else by its index, else the calibration for all. `warnings`: what
 * a person should know of the channels before they trust the result.
 */
export async function checkChannels(
  references: DenoiseJob["noiseReferences"],
  source: PlaneSource,
  channels: readonly ChannelPlan[],
  signal: AbortSignal,
): Promise<{ readonly noise: readonly NoiseCheck[]; readonly warnings: readonly string[] }> {
  const noise: NoiseCheck[] = [];
  const warnings: string[] = [];
  for (const [channel, { kind }] of channels.entries()) {
    const name = source.acquisition.channels[channel]?.name;
    if (kind === "pass") continue;
    const estimate = await estimateNoise(source, channel, signal);
    const empty = littleSignal(channel, estimate);
    if (empty !== undefined) warnings.push(empty);
    const named = name === undefined ? undefined : references?.byChannel[name];
    const reference = named ?? references?.byChannel[String(channel)] ?? references?.default;
    if (reference === undefined) continue;
    const check = checkNoise(channel, estimate, reference);
    noise.push(check);
    if (check.warning !== undefined) warnings.push(check.warning);
  }
  return { noise, warnings };
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
