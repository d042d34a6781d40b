import { type ErrorReport, hasCode } from "../../core/errors.ts";

/**
 * An error of a job in the words of the daemon, whose user gave no names, tiles and channels but in the configuration. Pure.
 */
export function inWordsOfFolder(error: ErrorReport, folder: string): ErrorReport {
  const again = "touch the source: the daemon then takes it again";
  if (hasCode(error, "output-is-folder")) return { ...error, remedy: `Move that folder away, and ${again}` };
  if (hasCode(error, "tile-size", "overlap-too-wide")) {
    const options = `folders[].tile and folders[].overlap of the folder ${folder} in the configuration`;
    return { ...error, remedy: `Change ${options}, start the daemon again, and ${again}` };
  }
  if (!hasCode(error, "channel-unknown")) return error;
  const change = `Change folders[].channels of the folder ${folder} in the configuration, and ${again}`;
  return { ...error, remedy: error.remedy === undefined ? change : `${error.remedy}. ${change}` };
}
