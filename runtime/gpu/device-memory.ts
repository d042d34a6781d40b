import { type NvidiaGpu, nvidiaGpus } from "../../export/package/nvidia-gpus.ts";

/** Planned for where the memory of a device cannot be read: that of a small GPU. */
export const assumedDeviceBytes = 4e9;

/**
 * Bytes that a provider's own memory has free for tiles; infinite for the CPU, whose memory is the machine's. With several
 * GPUs the least counts: which of them the provider's first device is, the driver decides.
 */
export async function freeDeviceBytes(
  provider: string,
  gpus: () => Promise<readonly NvidiaGpu[]> = nvidiaGpus,
): Promise<number> {
  if (provider === "cpu") return Number.POSITIVE_INFINITY;
  // WebGPU may run on any maker's device.
  if (provider === "webgpu") return assumedDeviceBytes;
  const found = await gpus();
  if (found.length === 0) return assumedDeviceBytes;
  return Math.min(...found.map(({ freeBytes }) => freeBytes ?? assumedDeviceBytes));
}
