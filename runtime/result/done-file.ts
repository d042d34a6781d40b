import { lstat, rm } from "node:fs/promises";
import { basename } from "node:path";
import { writeFileAtomically } from "../../formats/file/atomic-file.ts";
import { writeError } from "../../formats/file/file-errors.ts";
import type { DenoiseJob, DenoiseOutcome } from "../job/denoise-job.ts";
import type { StandingOutcome } from "./standing-result.ts";

/** Behind the whole name of a result: `a.denoised.ome.tif.done.json`. */
export const doneEnding = ".done.json";

/** Before a result is replaced: no file says that what is being written is done. */
export async function removeDoneFile(output: string): Promise<void> {
  const file = output + doneEnding;
  await rm(file, { force: true }).catch((cause: unknown) => {
    throw writeError(cause, file);
  });
}

/**
 * Writes beside a result, once that is whole and has its name, what was done: for programs that go on with results and watch
 * for a file. Throws `EdgeError` where it cannot be written.
 */
export async function writeDoneFile(
  outcome: DenoiseOutcome | StandingOutcome,
  { jobId, supersedes, access }: Pick<DenoiseJob, "jobId" | "supersedes" | "access">,
  finished: Date,
): Promise<void> {
  const { output, outputBytes, sourceSha256, sourceFiles = [], provider, voxels, elapsedS, notes } = outcome;
  const said = {
    schema: 1,
    result: basename(output),
    result_bytes: outputBytes,
    sources: sourceFiles.map(({ file, sha256 }) => ({ file: basename(file), sha256 })),
    source_sha256: sourceSha256,
    job: jobId,
    ...(supersedes.length > 0 && {
      supersedes: supersedes.map(({ result, job, sourceSha256 }) => ({
        result,
        job,
        source_sha256: sourceSha256,
      })),
    }),
    finished: finished.toISOString(),
    seconds: elapsedS,
    voxels,
    provider,
    notes,
  };
  await writeFileAtomically(output + doneEnding, Buffer.from(`${JSON.stringify(said, null, 2)}\n`), {
    overwrite: true,
    access,
  });
}

/** As `writeDoneFile`, beside a result that stood already, where that has none: who made it may not have come so far. */
export async function writeMissingDoneFile(
  outcome: StandingOutcome,
  job: Pick<DenoiseJob, "jobId" | "supersedes" | "access">,
): Promise<void> {
  const there = await lstat(outcome.output + doneEnding).catch(() => undefined);
  if (there === undefined) await writeDoneFile(outcome, job, new Date(outcome.knownFromResult));
}
