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
