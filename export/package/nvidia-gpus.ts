import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** A GPU as nvidia-smi tells of it; bytes are undefined where it does not say. */
export interface NvidiaGpu {
  readonly name: string;
  readonly driver: string;
  readonly totalBytes: number | undefined;
  readonly freeBytes: number | undefined;
}

const run = promisify(execFile);
const queryTimeoutMs = 20_000;
const query = ["--query-gpu=name,driver_version,memory.total,memory.free", "--format=csv,noheader,nounits"];

/** All GPUs of this machine, in nvidia-smi's order; none where it is missing, fails or says nothing. */
export async function nvidiaGpus(): Promise<NvidiaGpu[]> {
  const { stdout } = await run("nvidia-smi", query, { timeout: queryTimeoutMs }).catch(() => ({
    stdout: "",
  }));
  return gpusIn(stdout);
}

/** The lines of nvidia-smi's answer: name, driver, MiB in all, MiB free; `[N/A]` where the driver does not say. */
export function gpusIn(answer: string): NvidiaGpu[] {
  return answer.split("\n").flatMap((line) => {
    const [name = "", driver = "", total, free] = line.split(",").map((part) => part.trim());
    return name === "" || driver === ""
      ? []
      : [{ name, driver, totalBytes: bytesOf(total), freeBytes: bytesOf(free) }];
  });
}

function bytesOf(mebibytes: string | undefined): number | undefined {
  return mebibytes !== undefined && /^\d+$/.test(mebibytes) ? Number(mebibytes) * 2 ** 20 : undefined;
}
