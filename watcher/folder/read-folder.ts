import type { FileAccess } from "../../formats/file/atomic-file.ts";
import type { FolderConfig } from "../config/resolve.ts";
import { resultAccess } from "../folder-io/result-access.ts";
import { type PinnedCalibration, readPinned } from "./pinned-calibrations.ts";

/** What the configuration says of a watch folder, with what it names: files of calibrations, a group. */
export interface ReadFolder {
  readonly config: FolderConfig;
  readonly pinned: readonly PinnedCalibration[];
  /** Of results. */
  readonly access: FileAccess;
}

/** Throws `EdgeError` (`usage`) where a calibration cannot be read, or the group does not exist. */
export async function readFolder(config: FolderConfig): Promise<ReadFolder> {
  const [pinned, access] = await Promise.all([readPinned(config), resultAccess(config)]);
  return { config, pinned, access };
}
