import { readFile, stat } from "node:fs/promises";
import { machineError } from "../../core/errors.ts";
import type { Tensor } from "../../core/tensor.ts";
import { availableBytes } from "../plan/memory-need.ts";
import { assumedBytesPerVoxel } from "../plan/zoo-tiles.ts";
import { defaultDeadlineLimits } from "./tile-deadline.ts";

/** What one run of a model of which nothing is known may take before its process is killed. */
export interface RunLimits {
  readonly timeoutMs: number;
  /** Of memory of its own; what it maps from libraries' files does not count. */
  readonly memoryBytes: number;
}

/** Starting a process on a busy machine and loading a GPU's libraries, gigabytes of them, before anything is run. */
const startMs = 120_000;
/** A network slower than that, on the smallest machine, would take hours for a stack. */
const leastVoxelsPerS = 10_000;

/** Node.js, the runtime, and what a session of a small model takes. */
const startBytes = 512 << 20;
/** Weights are held as they lie in the file, as tensors, and once more in the order that a kernel wants them. */
const copiesOfWeights = 4;
/** Eight times what is assumed of a network of the zoo. */
const bytesPerVoxel = 8 * assumedBytesPerVoxel;
/** What a GPU's libraries take of the machine's own memory. */
const gpuBytes = 4 * 2 ** 30;
/** Of the memory that is free. */
const shareOfFree = 0.9;

/** Pure. */
export function runLimits(of: {
  readonly voxels: number;
  readonly modelBytes: number;
  readonly provider: string;
  readonly freeBytes: number;
}): RunLimits {
  const { voxels, modelBytes, provider, freeBytes } = of;
  const timeoutMs = Math.min(startMs + (1000 * voxels) / leastVoxelsPerS, defaultDeadlineLimits.firstRunMs);
  const wanted =
    startBytes + copiesOfWeights * modelBytes + bytesPerVoxel * voxels + (provider === "cpu" ? 0 : gpuBytes);
  return { timeoutMs, memoryBytes: Math.min(wanted, shareOfFree * freeBytes) };
}

export async function limitsOfRun(request: {
  readonly modelFile: string;
  readonly provider: string;
  readonly input: Tensor;
}): Promise<RunLimits> {
  const facts = await stat(request.modelFile).catch(() => undefined);
  return runLimits({
    voxels: request.input.data.length,
    // Whoever loads a file that is not there says so.
    modelBytes: facts?.size ?? 0,
    provider: request.provider,
    freeBytes: availableBytes(),
  });
}

const lookEveryMs = 20;

/**
 * Watches a process, and says through `onBeyond` that it goes beyond its limits; whoever started it kills it. It is looked
 * at every 20 ms, in which it may take some hundred megabytes more; memory is looked at on Linux only. Returns what ends the watch.
 */
export function watchProcess(
  pid: number,
  file: string,
  limits: RunLimits,
  onBeyond: (error: Error) => void,
): () => void {
  let ended = false;
  const beyond = (error: Error): void => {
    if (ended) return;
    end();
    onBeyond(error);
  };
  const deadline = setTimeout(() => beyond(tooSlow(file, limits)), limits.timeoutMs);
  let look: NodeJS.Timeout | undefined;
  const lookAgain = async (): Promise<void> => {
    const bytes = await ownMemory(pid);
    if (bytes > limits.memoryBytes) beyond(tooLarge(file, limits));
    else if (!ended) look = setTimeout(() => void lookAgain(), lookEveryMs);
  };
  void lookAgain();
  const end = (): void => {
    ended = true;
    clearTimeout(deadline);
    clearTimeout(look);
  };
  return end;
}

/** Resident memory of a process that is no file's, in bytes; 0 where the system does not tell. */
async function ownMemory(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  return 1024 * Number(/^RssAnon:\s+(\d+) kB$/m.exec(text)?.[1] ?? 0);
}

function tooSlow(file: string, { timeoutMs }: RunLimits) {
  return machineError("the model did not answer in time", {
    code: "model-timeout",
    file,
    found: `no answer after ${Math.round(timeoutMs / 1000)} s`,
    remedy: "Use another model; or try again when this machine has less to do",
  });
}

function tooLarge(file: string, { memoryBytes }: RunLimits) {
  return machineError("the model needs more memory than is allowed for its test input", {
    code: "model-memory",
    file,
    found: `more than ${(memoryBytes / 2 ** 30).toFixed(1)} GiB`,
    remedy: "Use another model; or free memory on this machine, if it has less than that",
  });
}
