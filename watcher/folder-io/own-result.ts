import { lstat, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { syncFolder } from "../../formats/file/atomic-file.ts";
import type { OutputLook } from "../../runtime/job/denoise-job.ts";
import { removeDoneFile } from "../../runtime/result/done-file.ts";
import { isResultOf } from "../../runtime/result/provenance.ts";
import { isGone } from "./is-gone.ts";

/** Results that the daemon removes: only its own, and only those that nobody has changed. */

export interface OwnResult {
  /** Absolute. */
  readonly output: string;
  readonly job: string;
  readonly bytes: number;
  /** As the engine left it; undefined where that is not known. */
  readonly look: OutputLook | undefined;
}

/** Behind the whole name of a result that is superseded: `a.denoised.ome.tif.superseded.json`. */
export const supersededEnding = ".superseded.json";

/** Why a file that is there is not removed; undefined where it is exactly what the engine left. */
export async function whyNotOwn({ output, job, bytes, look }: OwnResult): Promise<string | undefined> {
  if (look === undefined) return "it is not known how it looked when it was written";
  if (!(await isResultOf(job, output))) return "it is no result of its job any more";
  // The last look before it goes. No program can set the time of status change.
  const now = await lstat(output);
  const isAsWritten =
    now.size === bytes &&
    now.ino === look.inode &&
    now.mtimeMs === look.mtimeMs &&
    now.ctimeMs === look.ctimeMs;
  return isAsWritten ? undefined : "it was changed, or given other rights, since it was written";
}

/** With what says beside it how it stands. Each step may be the last one: done again, it ends in the same way. */
export async function removeResult(output: string): Promise<void> {
  // No file says that what is gone is done.
  await removeDoneFile(output);
  await rm(output, { force: true });
  await rm(output + supersededEnding, { force: true });
  await syncFolder(dirname(output));
}

export type ExpireEnd =
  | { readonly kind: "removed" | "gone" }
  | { readonly kind: "kept"; readonly why: string };

/** Removes a result that was kept for as long as is configured. */
export async function expireResult(result: OwnResult): Promise<ExpireEnd> {
  const { output } = result;
  if (await isGone(output)) {
    await removeResult(output);
    return { kind: "gone" };
  }
  const why = await whyNotOwn(result);
  if (why !== undefined) return { kind: "kept", why };
  await removeResult(output);
  return { kind: "removed" };
}
