import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { machineError } from "../../core/errors.ts";
import { writeFileAtomically } from "../../formats/file/atomic-file.ts";
import { openAcquisition } from "../../formats/open.ts";
import type { DenoiseJobInput, Engine } from "../../runtime/job/denoise-job.ts";
import { hashSource } from "../../runtime/result/source-hash.ts";
import { outcomeOf } from "./outcome-of.ts";

/** Stands in for the engine: "denoises" by copying the file, in so many milliseconds, and remembers its orders. */
export function copyingEngine(
  options: { jobMs?: number; fail?: (job: DenoiseJobInput) => Error | undefined } = {},
): {
  engine: Engine;
  orders: DenoiseJobInput[];
} {
  const orders: DenoiseJobInput[] = [];
  const engine: Engine = {
    ready: () =>
      Promise.resolve({
        pid: process.pid,
        provider: "cpu",
        rejected: [],
        runtimeVersion: "test",
        networkVoxelsPerS: 1e6,
      }),
    denoise: async (job, { signal, onProgress } = {}) => {
      orders.push(job);
      const startMs = performance.now();
      onProgress?.({ stage: "denoising", doneVoxels: 0, totalVoxels: 64, elapsedS: 0 });
      await sleep(options.jobMs ?? 0, undefined, signal === undefined ? {} : { signal }).catch(() => {
        throw machineError("the work was interrupted", { code: "interrupted", retryable: true });
      });
      const failure = options.fail?.(job);
      if (failure !== undefined) throw failure;
      const source = await openAcquisition(job.input, { series: job.series ?? 0, pattern: job.pattern });
      await source.close();
      const bytes = await readFile(job.input);
      const { sha256, files } = await hashSource(source.acquisition.members, new AbortController().signal);
      await writeFileAtomically(job.output, bytes, {
        overwrite: job.overwrite === true || job.overwrite === "own",
      });
      return outcomeOf(job.output, {
        outputBytes: bytes.byteLength,
        sourceSha256: sha256,
        sourceFiles: files,
        elapsedS: (performance.now() - startMs) / 1000,
        networkS: 0,
      });
    },
    stop: () => Promise.resolve(),
  };
  return { engine, orders };
}
