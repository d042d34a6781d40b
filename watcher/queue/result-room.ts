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

/** Bytes of the result, and those that have to stay free beside it. */
export function neededFor(
  { resultBytes }: ClaimedJob,
  jobs: Pick<WrittenConfig["jobs"], "reserve_mib">,
): number {
  return resultBytes + jobs.reserve_mib * 2 ** 20;
}

export function hasRoomFor(neededBytes: number, { freeBytes, noFiles }: Room): boolean {
  return !noFiles && freeBytes >= neededBytes;
}

/**
 * The folder waits until there is room for the result. `refused`: what the engine met although there seems to be room, and
 * after how long another attempt tells whether there is.
 */
export function waitForRoom(
  folder: Folder,
  claim: ClaimedJob,
  neededBytes: number,
  room: Room,
  refused?: { readonly message: string; readonly retryMs: number },
): void {
  const { freeBytes, noFiles } = room;
  const isRefused = refused !== undefined && hasRoomFor(neededBytes, room);
  folder.learn({
    full: {
      neededBytes,
      freeBytes,
      noFiles,
      source: seenSource(claim),
      ...(isRefused
        ? { refused: { message: refused.message, notBeforeMs: performance.now() + refused.retryMs } }
        : {}),
    },
  });
}
