import type { DaemonLog } from "../events/daemon-log.ts";
import type { Folder } from "../folder/folder.ts";

/**
 * Has results of earlier content beside a result marked as superseded, where the ledger may not know of them. Never throws:
 * what could not be marked is logged.
 */
export function createEarlierMarks(folders: readonly Folder[], log: DaemonLog) {
  const isBelow = (one: Folder, other: Folder): boolean =>
    `${one.config.output}/`.startsWith(`${other.config.output}/`);
  return async (folder: Folder, output: string): Promise<void> => {
    // A source of the same name in another folder may have its result beside it.
    const others = folders.filter((other) => other !== folder);
    if (others.some((other) => isBelow(other, folder) || isBelow(folder, other))) return;
    const anew = folder.config.superseded === "remove";
    await folder.io
      .ask("markEarlier", { output, anew })
      .catch((error: unknown) => log.warn(error, { folder: folder.config.name }));
  };
}
