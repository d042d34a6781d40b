import type { WrittenConfig } from "../config/schema.ts";
import type { Folder } from "../folder/folder.ts";
import type { SeenSource } from "../folder/folder-state.ts";
import type { Room } from "../folder-io/protocol.ts";
import type { ClaimedJob } from "./job-queue.ts";

/** What a job was made for, as it was seen. */
export function seenSource({ job }: ClaimedJob): SeenSource {
  const { members, sizeBytes, mtimeMs } = job;
  return { members, sizeBytes, mtimeMs };
}

/**
 * Whether there is room for the result and for what has to stay free beside it; else the folder waits until there is.
 * `refused`: what the engine met although there seems to be room, and after how long another attempt tells whether there is.
 */
export function findsRoom(
  folder: Folder,
  claim: ClaimedJob,
  { freeBytes, noFiles }: Room,
  { reserve_mib }: Pick<WrittenConfig["jobs"], "reserve_mib">,
  refused?: { readonly message: string; readonly retryMs: number },
): boolean {
  const neededBytes = claim.resultBytes + reserve_mib * 2 ** 20;
  const isThere = !noFiles && freeBytes >= neededBytes;
  if (isThere && refused === undefined) return true;
  folder.learn({
    full: {
      neededBytes,
      freeBytes,
      noFiles,
      source: seenSource(claim),
      ...(isThere && refused !== undefined
        ? { refused: { message: refused.message, notBeforeMs: performance.now() + refused.retryMs } }
        : {}),
    },
  });
  return false;
}
