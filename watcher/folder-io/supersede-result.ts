import { rm } from "node:fs/promises";
import { basename, dirname, relative } from "node:path";
import { systemCode } from "../../core/errors.ts";
import { isRecord } from "../../core/record.ts";
import { type FileAccess, writeFileAtomically } from "../../formats/file/atomic-file.ts";
import { isResultOf } from "../../runtime/result/provenance.ts";
import { isGone } from "./is-gone.ts";
import { type OwnResult, removeResult, supersededEnding, whyNotOwn } from "./own-result.ts";

/** What becomes of a result when newer content of its source has one: whoever sees only the folder is to know. */

export interface SupersedeOrder {
  readonly older: OwnResult;
  readonly newer: Pick<OwnResult, "output" | "job"> & { readonly sourceSha256: string };
  /** Whether the older one is removed, where that is safe. */
  readonly remove: boolean;
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
    await markSuperseded(older, order.newer, access);
    return { kind: "marked", ...(kept !== undefined && { kept }) };
  }
  await removeResult(older.output);
  return { kind: "removed" };
}

/** undefined where it may be removed. */
async function whyKept({ older, newer }: SupersedeOrder): Promise<string | undefined> {
  if (!(await isResultOf(newer.job, newer.output))) return "the newer result is not there any more";
  return whyNotOwn(older);
}

/** Says beside a result which one is newer. */
export async function markSuperseded(
  older: Pick<OwnResult, "output" | "job">,
  newer: SupersedeOrder["newer"],
  access: FileAccess,
): Promise<void> {
  const marker = older.output + supersededEnding;
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

/** The newer result that the text of a mark names; undefined where it is no mark of ours. Pure. */
export function newerResultIn(text: string): string | undefined {
  let said: unknown;
  try {
    said = JSON.parse(text);
  } catch {
    return undefined;
  }
  const newer = isRecord(said) ? said["superseded_by"] : undefined;
  const result = isRecord(newer) ? newer["result"] : undefined;
  return typeof result === "string" ? result : undefined;
}
