import { readdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { present } from "../../core/record.ts";
import { openError } from "../file/file-errors.ts";
import type { Reading, ReadLimits } from "../file/reading.ts";
import type { OpenedFile } from "../plane/plane-source.ts";
import { openedTiff } from "../tiff/series.ts";
import { type FilePattern, type NumberedFile, nameReader } from "./file-pattern.ts";
import { joinFiles } from "./join-files.ts";
import { inOrder, judgeNumbers } from "./numbered-set.ts";

/** A pattern, and the files of the acquisition where they are known; else the folder is searched for them. */
export interface NumberedFiles extends FilePattern {
  readonly files?: readonly string[] | undefined;
}

/**
 * Opens the acquisition that `file` belongs to by its name; undefined where the pattern does not fit its name. Throws `EdgeError`
 * where files of it are missing.
 */
export async function openNumbered(
  file: string,
  pattern: NumberedFiles,
  limits: ReadLimits,
  reading: Reading,
): Promise<OpenedFile | undefined> {
  const reader = nameReader(pattern.template);
  const named = reader(basename(file));
  if (named === undefined) return undefined;
  const paths = pattern.files ?? (await filesBeside(file));
  const files = paths.flatMap((path): NumberedFile[] => {
    const other = reader(basename(path));
    return other?.acquisition === named.acquisition ? [{ ...other, file: path }] : [];
  });
  const verdict = judgeNumbers(inOrder(files), pattern, limits.maxMembers);
  if (verdict.kind === "lacking") throw verdict.error;
  const { grid } = verdict;
  const note = `one acquisition of ${grid.files.length} files, by the pattern ${pattern.template}`;
  const name = named.written["name"];
  const series = await joinFiles(grid, { ...present({ name }), notes: [note] }, limits, reading);
  return openedTiff({ all: [series], files: grid.files }, limits);
}

async function filesBeside(file: string): Promise<string[]> {
  const folder = dirname(file);
  const names = await readdir(folder).catch((cause: unknown) => {
    throw openError(cause, folder);
  });
  return names.filter((name) => !name.startsWith(".")).map((name) => join(folder, name));
}
