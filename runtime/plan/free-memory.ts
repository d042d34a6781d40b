import { type Acquisition, sampleTypes } from "../../core/acquisition.ts";
import { machineError } from "../../core/errors.ts";
import { type NvidiaGpu, nvidiaGpus } from "../../export/package/nvidia-gpus.ts";
import { availableBytes, gigabytes, memoryNeed, planesNeed, tileNeed } from "./memory-need.ts";
import type { JobPlan } from "./plan-job.ts";

/** What may be taken now, in bytes. */
export interface FreeMemory {
  readonly machineBytes: number;
  /** Of the device that runs the network. Absent where it takes the machine's, or does not say what it has. */
  readonly deviceBytes?: number | undefined;
}

/**
 * Asks what is free at each call, and once before anything of ours lies on a device. Of its memory the most that was ever free
 * counts: what a job of ours took is there for the next one (an arena on a GPU is never given back), and what another
 * program gives back is told only then. `heldBytes`: as in `availableBytes`.
 */
export async function watchFreeMemory(
  provider: string,
  gpus?: () => Promise<readonly NvidiaGpu[]>,
): Promise<(heldBytes?: number) => Promise<FreeMemory>> {
  let deviceBytes = await freeDeviceBytes(provider, gpus);
  return async (heldBytes) => {
    const now = await freeDeviceBytes(provider, gpus);
    if (now !== undefined) deviceBytes = Math.max(deviceBytes ?? 0, now);
    return { machineBytes: availableBytes(heldBytes), deviceBytes };
  };
}

/** What `need` says of the channel that needs most of it: one is in work at a time. */
export function jobMemoryNeed(
  { channels }: JobPlan,
  { sampleType }: Acquisition,
  need: typeof memoryNeed = memoryNeed,
): number {
  const { bytes: bytesPerSample } = sampleTypes[sampleType];
  const needs = channels.map((channel) =>
    channel.kind === "pass" ? 0 : need(channel.tiles, { ...channel.model, bytesPerSample }),
  );
  return Math.max(0, ...needs);
}

/**
 * Throws `EdgeError` (`machine`, retryable) where less is free than a job needs: its tiles are not made smaller for that,
 * because the same source gives the same result on another day.
 */
export function refuseTooLittleFree(plan: JobPlan, acquisition: Acquisition, free: FreeMemory): void {
  const { machineBytes, deviceBytes } = free;
  const refuseShort = (kind: typeof memoryNeed, freeBytes: number, where: string): void => {
    const need = jobMemoryNeed(plan, acquisition, kind);
    if (need <= freeBytes) return;
    throw machineError("too little memory is free for this job", {
      code: "memory-short",
      file: acquisition.file,
      found: `${gigabytes(freeBytes)} free ${where}`,
      allowed: `about ${gigabytes(need)}`,
      remedy:
        "Close other programs, or set a memory limit (engine.memory_limit, --memory-limit): tiles are made smaller to fit it",
      retryable: true,
    });
  };
  refuseShort(deviceBytes === undefined ? memoryNeed : planesNeed, machineBytes, "in the machine");
  if (deviceBytes !== undefined) refuseShort(tileNeed, deviceBytes, "on the GPU");
}

/**
 * Bytes that a provider's own memory has free for tiles. Undefined for the CPU, whose memory is the machine's, and where a
 * device's memory cannot be read. With several GPUs the least counts: which of them the provider's first device is, the
 * driver decides.
 */
export async function freeDeviceBytes(
  provider: string,
  gpus: () => Promise<readonly NvidiaGpu[]> = nvidiaGpus,
): Promise<number | undefined> {
  // WebGPU may run on any maker's device.
  if (provider === "cpu" || provider === "webgpu") return undefined;
  const free = (await gpus()).map(({ freeBytes }) => freeBytes);
  const known = free.filter((bytes) => bytes !== undefined);
  return free.length === 0 || known.length < free.length ? undefined : Math.min(...known);
}
