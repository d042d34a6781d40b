import { lstat, rm } from "node:fs/promises";
import { basename, dirname, relative } from "node:path";
import { isAbsent, systemCode } from "../../core/errors.ts";
import { type FileAccess, syncFolder, writeFileAtomically } from "../../formats/file/atomic-file.ts";
import type { OutputLook } from "../../runtime/job/denoise-job.ts";
import { removeDoneFile } from "../../runtime/result/done-file.ts";
import { isResultOf } from "../../runtime/result/provenance.ts";

/** What becomes of a result when newer content of its source has one: whoever sees only the folder is to know. */

/** Behind the whole name of a result that is superseded: `a.denoised.ome.tif.superseded.json`. */
export const supersededEnding = ".superseded.json";

export interface SupersedeOrder {
  readonly older: StatedResult & {
    /** As the engine left it; undefined where that is not known. */
    readonly look: OutputLook | undefined;
    readonly bytes: number;
  };
  readonly newer: StatedResult & { readonly sourceSha256: string };
  /** Whether the older one is removed, where that is safe. */
  readonly remove: boolean;
}

interface StatedResult {
  /** Absolute. */
  readonly output: string;
  readonly job: string;
}

export type SupersedeEnd =
  | { readonly kind: "removed" }
  /** Nothing lies there any more. */
  | { readonly kind: "gone" }
  /** `kept`: why it was not removed, where it was to be. */
  | { readonly kind: "marked"; readonly kept?: string };

/**
 * Marks the older result, or removes it: only a file that nobody has changed since the engine gave it its name, and only while the newer result
 * stands. Each step may be the last one: done again, it ends in the same way. Throws what the system throws.
 */
export async function supersedeResult(order: SupersedeOrder, access: FileAccess): Promise<SupersedeEnd> {
  const { older, remove } = order;
  const marker = older.output + supersededEnding;
  if (await isGone(older.output)) {
    await rm(marker, { force: true });
    return { kind: "gone" };
  }
  const kept = remove ? await whyKept(order) : undefined;
  if (!remove || kept !== undefined) {
    await mark(order, marker, access);
    return { kind: "marked", ...(kept !== undefined && { kept }) };
  }
  // No file says that what is gone is done.
  await removeDoneFile(older.output);
  await rm(older.output);
  await rm(marker, { force: true });
  await syncFolder(dirname(older.output));
  return { kind: "removed" };
}

async function isGone(file: string): Promise<boolean> {
  return lstat(file).then(
    () => false,
    (error: unknown) => {
      if (isAbsent(error)) return true;
      throw error;
    },
  );
}

/** undefined where it may be removed. */
async function whyKept({ older, newer }: SupersedeOrder): Promise<string | undefined> {
  if (!(await isResultOf(newer.job, newer.output))) return "the newer result is not there any more";
  const { look, bytes } = older;
  if (look === undefined) return "it is not known how it looked when it was written";
  if (!(await isResultOf(older.job, older.output))) return "it is no result of its job any more";
  // The last look before it goes. No program can set the time of status change.
  const now = await lstat(older.output);
  const isAsWritten =
    now.size === bytes &&
    now.ino === look.inode &&
    now.mtimeMs === look.mtimeMs &&
    now.ctimeMs === look.ctimeMs;
  return isAsWritten ? undefined : "it was changed, or given other rights, since it was written";
}

async function mark({ older, newer }: SupersedeOrder, marker: string, access: FileAccess): Promise<void> {
  const said = {
    schema: 1,
    result: basename(older.output),
    job: older.job,
    superseded_by: {
      result: relative(dirname(older.output), newer.output),
      job: newer.job,
      source_sha256: newer.sourceSha256,
    },
  };
  const text = Buffer.from(`${JSON.stringify(said, null, 2)}\n`);
  await writeFileAtomically(marker, text, { overwrite: true, access }).catch((error: unknown) => {
    // The ledger and the newer result say it all the same.
    if (systemCode(error) !== "ENAMETOOLONG") throw error;
  });
}
