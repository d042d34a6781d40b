import { join } from "node:path";
import { isAbsent } from "../../core/errors.ts";
import { digestOfFile } from "../../formats/file/file-digest.ts";
import { removeStalePartials } from "../../formats/file/partial-name.ts";
import { openAcquisition } from "../../formats/open.ts";
import { drawPreview } from "./draw-preview.ts";
import type { FolderLeases } from "./folder-leases.ts";
import { markEarlier } from "./mark-earlier.ts";
import { moveSource } from "./move-source.ts";
import { tryWriting, type WatchedOutput } from "./output-folder.ts";
import { expireResult } from "./own-result.ts";
import type { FolderSettings, FolderTasks, TaskName } from "./protocol.ts";
import { findStanding, isTaken } from "./standing-results.ts";
import { supersedeResult } from "./supersede-result.ts";
import { areAllAbsent, type WatchedFolder } from "./watched-folder.ts";

/** What the process of a folder does on request. */

export type Task<Name extends TaskName> = (
  ask: FolderTasks[Name]["ask"],
) => Promise<FolderTasks[Name]["answer"]>;
export type Tasks = { [Name in TaskName]: Task<Name> };

/** Between jobs that follow each other, a folder of results is looked through so often. */
const tidyEveryMs = 10_000;

/** `onStep` is called after each step on the disk. */
export function tasksOf(
  settings: FolderSettings,
  { watched, results, leases }: { watched: WatchedFolder; results: WatchedOutput; leases: FolderLeases },
  onStep: () => void,
): Tasks {
  let tidied: { readonly folder: string; readonly atMs: number } | undefined;

  /** What a killed process left half written takes room. In a folder of many results this takes longer than a small job. */
  async function tidy(folder: string): Promise<void> {
    if (tidied?.folder === folder && performance.now() - tidied.atMs < tidyEveryMs) return;
    await removeStalePartials(folder);
    tidied = { folder, atMs: performance.now() };
  }

  return {
    look: ({ members }) => watched.lookAt(members),
    hash: ({ source }) =>
      digestOfFile(join(settings.path, source), { onStep }).catch(async (error: unknown) => {
        // Not the file's fault where the folder is not there.
        await watched.check();
        return isAbsent(error) ? undefined : "unreadable";
      }),
    left: async ({ sources }) => {
      const left: string[] = [];
      // Before the look and after it, as `lookAt` does: without its disk everything is absent.
      await watched.check();
      await results.check();
      for (const { source, members, outputs } of sources) {
        // `quotedName`: it stands for a name that is not UTF-8, and no file would be found under it.
        if (members.some((member) => member.endsWith("'"))) continue;
        const paths = [...members.map((member) => join(settings.path, member)), ...outputs];
        if (await areAllAbsent(paths)) left.push(source);
        onStep();
      }
      await watched.check();
      await results.check();
      return left;
    },
    prepare: async ({ into, outputs = [] }) => {
      // First the folder itself: below a mount point without its disk nothing may be made.
      const { freeBytes, freeFiles } = await results.check();
      await leases.hold(true);
      const written = await tryWriting(into, settings.access);
      await tidy(into);
      return { freeBytes, noFiles: !written && freeFiles === 0, isTaken: await isTaken(outputs) };
    },
    standing: (question) => findStanding(question, onStep),
    tidy: async ({ into }) => {
      await removeStalePartials(into);
      return undefined;
    },
    move: async (order) => {
      await leases.hold(!("error" in (await results.state())));
      const { path: folder, moveTo: target = folder, access } = settings;
      return moveSource({ ...order, folder, target, access }, onStep);
    },
    supersede: async (order) => {
      await leases.hold(true);
      // Before the look and after it: without its disk everything is absent.
      await results.check();
      const end = await supersedeResult(order, settings.access);
      await results.check();
      return end;
    },
    markEarlier: async (order) => {
      await leases.hold(true);
      await results.check();
      await markEarlier(order, settings.access);
      await results.check();
      return undefined;
    },
    release: async () => {
      await leases.release();
      return undefined;
    },
    expire: async (result) => {
      await leases.hold(true);
      await results.check();
      const end = await expireResult(result);
      await results.check();
      return end;
    },
    preview: async ({ source, members, output, series }) => {
      const files = members.map((member) => join(settings.path, member));
      const pattern = settings.pattern && { template: settings.pattern.template, files };
      const noisy = await openAcquisition(join(settings.path, source), { series, pattern });
      try {
        const denoised = await openAcquisition(output);
        return await drawPreview(noisy, denoised).finally(() => denoised.close());
      } finally {
        await noisy.close();
      }
    },
  };
}
