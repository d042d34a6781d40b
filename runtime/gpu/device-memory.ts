import { type NvidiaGpu, nvidiaGpus } from "../../export/package/nvidia-gpus.ts";

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

/**
 * Asks again at each call, and gives the most that was ever free: what a job of ours took is there for the next one (an arena
 * on a GPU is never given back), and what another program gives back is told only then.
 */
export function mostFreeDeviceBytes(
  provider: string,
  gpus?: () => Promise<readonly NvidiaGpu[]>,
): () => Promise<number | undefined> {
  let most: number | undefined;
  return async () => {
    const now = await freeDeviceBytes(provider, gpus);
    if (now !== undefined) most = Math.max(most ?? 0, now);
    return most;
  };
}
