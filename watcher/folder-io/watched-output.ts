import { reportOf } from "../../core/errors.ts";
import { nameLimitOf } from "../../formats/file/name-limit.ts";
import { lookAtFileSystem } from "./file-system.ts";
import { removeLeftPartials } from "./left-partials.ts";
import { checkOutput } from "./output-folder.ts";
import type { FolderSettings, OutputState } from "./protocol.ts";

export type WatchedOutput = ReturnType<typeof watchOutput>;

/**
 * The folder of the results; remembers where its disk was mounted when it was last in order. The first time that it is,
 * what killed processes left half written there is removed: perhaps no job follows that would do it.
 */
export function watchOutput(
  { output, access, subfolders }: FolderSettings,
  outputMountPoint: string | undefined,
  onStep: () => void,
) {
  let remembered = outputMountPoint;
  let tidied = false;
  const check = async (): Promise<Extract<OutputState, { freeBytes: number }>> => {
    remembered = await checkOutput(output, remembered, access);
    if (!tidied) {
      tidied = true;
      await removeLeftPartials(output, subfolders, onStep);
    }
    const { freeBytes, freeFiles } = await lookAtFileSystem(output);
    return { mountPoint: remembered, freeBytes, freeFiles, nameBytes: await nameLimitOf(output) };
  };
  return {
    check,
    state: (): Promise<OutputState> => check().catch((error: unknown) => ({ error: reportOf(error) })),
  };
}
