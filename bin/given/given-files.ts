import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { EdgeError } from "../../core/errors.ts";
import { listed, naturally, noImageIn, unreachable } from "../../formats/files-of.ts";
import { acquisitionEndings } from "../../formats/image-name.ts";
import { judgeName } from "../../watcher/intake/candidate-name.ts";

/** What the paths of a command line stand for. */
export interface GivenFiles {
  /** As a person would name them: a file as given, of a folder its images in natural order. */
  readonly files: readonly string[];
  readonly refused: readonly { readonly input: string; readonly error: EdgeError }[];
  /** What a person should know: files of a folder that are passed over. */
  readonly notes: readonly string[];
}

/** Files as they are, folders (not what is below them) as the images in them; results of ours are none. */
export async function givenFiles(paths: readonly string[]): Promise<GivenFiles> {
  const files: string[] = [];
  const refused: { input: string; error: EdgeError }[] = [];
  const notes: string[] = [];
  for (const path of paths) {
    const facts = await stat(path).catch((error: NodeJS.ErrnoException) => error);
    if (facts instanceof Error) {
      refused.push({ input: path, error: unreachable(path, facts) });
    } else if (!facts.isDirectory()) {
      files.push(path);
    } else {
      const names = await readdir(path).catch((error: NodeJS.ErrnoException) => error);
      if (names instanceof Error) {
        refused.push({ input: path, error: unreachable(path, names) });
        continue;
      }
      const images = names.filter((name) => judgeName(name).kind === "image");
      const foreign = names.filter((name) => judgeName(name).kind === "unsupported");
      if (images.length === 0)
        refused.push({ input: path, error: noImageIn(path, foreign, acquisitionEndings) });
      else if (foreign.length > 0) notes.push(`${path}: not read: ${listed(foreign)}. Export OME-TIFF`);
      files.push(...images.sort(naturally.compare).map((name) => join(path, name)));
    }
  }
  return { files, refused, notes };
}
