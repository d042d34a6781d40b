import { formatError } from "../../core/errors.ts";
import { imageOf, openFile } from "../../formats/open.ts";
import type { OpenedFile, PlaneSource } from "../../formats/plane/plane-source.ts";
import type { DenoiseJobInput } from "../job/denoise-job.ts";
import { fileState } from "../result/source-hash.ts";

export type OpenSource = (
  job: Pick<DenoiseJobInput, "input" | "series" | "pattern" | "isSet">,
  signal: AbortSignal,
) => Promise<PlaneSource>;

export const openSource: OpenSource = async (job, signal) =>
  sourceOf(job, await openFile(job.input, { signal, pattern: job.pattern }));

async function sourceOf({ input, series = 0, isSet = false }: Parameters<OpenSource>[0], opened: OpenedFile) {
  if (!isSet || opened.files.length > 1) return imageOf(opened, input, series);
  await opened.close();
  throw formatError("the file was noted as one of a set, and is none now", {
    code: "set-no-more",
    file: input,
    remedy: "Check folders[].pattern, then touch the file: the daemon takes it as what it is now",
  });
}

/**
 * Opens the images of one file one after the other, and reads its structure twice at most: at the first time it is learned
 * which files it consists of, so that at the second it is known whether any of them changed while they were read.
 */
export function createLastOpened(open: typeof openFile = openFile): OpenSource {
  let last: Opened | undefined;
  return async (job, signal) => {
    const { input: file } = job;
    // An acquisition by names is one image.
    if (job.pattern !== undefined) return openSource(job, signal);
    const before = last?.file === file ? await stateOf(last.files) : undefined;
    if (last?.kept !== undefined && last.kept.state === before) return sourceOf(job, last.kept.opened);
    const opened = await open(file, { signal });
    const isSame = before !== undefined && (await stateOf(opened.files)) === before;
    last = { file, files: opened.files, kept: isSame ? { opened, state: before } : undefined };
    return sourceOf(job, opened);
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
