import type { DaemonEvents } from "../events/daemon-events.ts";
import type { Events } from "../events/event-map.ts";
import { compareNoise } from "./compared-noise.ts";
import { createFolder, type Folder, type FolderOptions } from "./folder.ts";
import { followModels } from "./folder-models.ts";
import type { ReadFolder } from "./read-folder.ts";

/** The watch folders of a daemon, each of which learns what is found of its models and of the noise of its acquisitions. */
export function createFolders(
  events: Events<DaemonEvents>,
  read: readonly ReadFolder[],
  options: Omit<FolderOptions, keyof ReadFolder>,
): readonly Folder[] {
  const folders = read.map((folder) => createFolder(events, { ...folder, ...options }));
  followModels(events, { folders, log: options.log });
  compareNoise(events, { folders, log: options.log });
  return folders;
}
