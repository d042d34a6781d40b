import type { ErrorReport } from "../core/errors.ts";

/** An error of a job in the words of the daemon: where the configuration is at fault, the remedy names its line. Pure. */
export function inWordsOfFolder(error: ErrorReport, folder: string): ErrorReport {
  if (error.code !== "channel-unknown") return error;
  const change =
    `Change folders[].channels of the folder ${folder} in the configuration, start the daemon again, ` +
    "and touch the file: the daemon then takes it again";
  return { ...error, remedy: error.remedy === undefined ? change : `${error.remedy}. ${change}` };
}
