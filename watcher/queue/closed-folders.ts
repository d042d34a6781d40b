import type { DaemonEvents } from "../events/daemon-events.ts";
import type { Events } from "../events/event-map.ts";
import type { Folder } from "../folder/folder.ts";
import type { JobQueue } from "./job-queue.ts";

/** Pauses the jobs of each folder for as long as none of them can run (`folder-state.ts`, `isOpen`). */
export function pauseClosedFolders(
  events: Events<DaemonEvents>,
  {
    queue,
    folders,
  }: { readonly queue: Pick<JobQueue, "pause" | "resume">; readonly folders: readonly Folder[] },
): void {
  const follow = ({ config, isOpen }: Folder): void =>
    isOpen() ? queue.resume(config.name) : queue.pause(config.name);
  for (const folder of folders) follow(folder);
  events.on("folderChanged", ({ folder: name }) => {
    for (const folder of folders) if (folder.config.name === name) follow(folder);
  });
}
