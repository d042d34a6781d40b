import { imageOf, openFile } from "../../formats/open.ts";
import type { OpenedFile, PlaneSource } from "../../formats/plane/plane-source.ts";
import type { DenoiseJob } from "../job/denoise-job.ts";
import { fileState } from "../result/source-hash.ts";

export type OpenSource = (
  job: Pick<DenoiseJob, "input" | "series" | "pattern">,
  signal: AbortSignal,
) => Promise<PlaneSource>;

export const openSource: OpenSource = async ({ input, series, pattern }, signal) =>
  imageOf(await openFile(input, { signal, pattern }), input, series);

/**
 * Opens the images of one file one after the other, and reads its structure twice at most: at the first time it is learned
 * which files it consists of, so that at the second it is known whether any of them changed while they were read.
 */
export function createLastOpened(open: typeof openFile = openFile): OpenSource {
  let last: Opened | undefined;
  return async ({ input: file, series, pattern }, signal) => {
    // An acquisition by names is one image.
    if (pattern !== undefined) return openSource({ input: file, series, pattern }, signal);
    const before = last?.file === file ? await stateOf(last.files) : undefined;
    if (last?.kept !== undefined && last.kept.state === before)
      return imageOf(last.kept.opened, file, series);
    const opened = await open(file, { signal });
    const isSame = before !== undefined && (await stateOf(opened.files)) === before;
    last = { file, files: opened.files, kept: isSame ? { opened, state: before } : undefined };
    return imageOf(opened, file, series);
  };
}

interface Opened {
  readonly file: string;
  readonly files: readonly string[];
  readonly kept: { readonly opened: OpenedFile; readonly state: string } | undefined;
}

/** undefined where one of the files cannot be looked at. */
async function stateOf(files: readonly string[]): Promise<string | undefined> {
  const states = await Promise.all(files.map(fileState)).catch(() => undefined);
  return states && JSON.stringify([files, states]);
}
