import { describeError, visible } from "../../core/errors.ts";
import type { Explanation } from "../../runtime/plan/explain-plan.ts";
import { type CommandIo, exitCodes } from "../command/command.ts";
import { type DenoiseOptions, jobOf } from "../options/denoise-options.ts";

/** `denoise --explain`: prints the plan of each file, and reads no pixel for it. */
export async function explainDenoise(paths: readonly string[], options: DenoiseOptions, io: CommandIo) {
  const { findTasks } = await import("../given/denoise-tasks.ts");
  const { readPackage } = await import("../../export/package/read-package.ts");
  const { openAcquisition } = await import("../../formats/open.ts");
  const { denoiseJobSchema } = await import("../../runtime/job/denoise-job.ts");
  const { explainPlan } = await import("../../runtime/plan/explain-plan.ts");
  const { planJob } = await import("../../runtime/plan/plan-job.ts");
  const { createHeldPackages } = await import("../../runtime/engine/held-packages.ts");
  const { take } = createHeldPackages(readPackage);
  const { tasks, ended } = await findTasks(paths, options, "replace", io);
  let failed = ended.length > 0;
  for (const task of tasks) {
    const { input } = task;
    try {
      const job = denoiseJobSchema.parse(jobOf(task, options));
      const source = await openAcquisition(job.input, {
        series: job.series,
        pattern: job.pattern,
        signal: io.signal,
      });
      try {
        const plan = await planJob(job, source.acquisition, take, {
          memoryLimitBytes: options.memoryLimit,
        });
        const explanation = explainPlan(plan, source.acquisition, job.output);
        io.stdout.write(
          options.json ? `${JSON.stringify(explanation)}\n` : `${visible(input)}\n${inWords(explanation)}\n`,
        );
      } finally {
        await source.close();
      }
    } catch (error) {
      if (io.signal.aborted) throw error;
      failed = true;
      io.stderr.write(`cnnt-edge: ${describeError(error)}\n`);
    }
  }
  return failed ? exitCodes.failed : exitCodes.done;
}

/** The plan for a person: rounded, with units. `--json` has the same figures as they are. */
function inWords({ memory_gb, uncompressed_result_gb, ...plan }: Explanation): string {
  const lines = {
    ...plan,
    memory: `about ${spokenSize(memory_gb)}`,
    "result, uncompressed": spokenSize(uncompressed_result_gb),
  };
  return Object.entries(lines)
    .filter(([, value]) => !Array.isArray(value) || value.length > 0)
    .map(
      ([key, value]) =>
        `  ${key.replaceAll("_", " ")}: ${visible(Array.isArray(value) ? value.join("; ") : String(value))}`,
    )
    .join("\n");
}

/** "296 MB", "1.2 GB". */
function spokenSize(gigabytes: number): string {
  if (gigabytes >= 1) return `${gigabytes.toFixed(1)} GB`;
  const megabytes = gigabytes * 1000;
  return megabytes >= 1 ? `${megabytes.toFixed(0)} MB` : "less than 1 MB";
}
