import { join } from "node:path";
import { type EdgeError, isEdgeError } from "../../core/errors.ts";
import { listed, namesIn, noImageIn } from "../../formats/files-of.ts";
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
    try {
      const names = await namesIn(path);
      const images = names?.filter((name) => judgeName(name).kind === "image") ?? [];
      const foreign = names?.filter((name) => judgeName(name).kind === "unsupported") ?? [];
      if (names !== undefined && images.length === 0) throw noImageIn(path, foreign, acquisitionEndings);
      if (foreign.length > 0) notes.push(`${path}: not read: ${listed(foreign)}. Export OME-TIFF`);
      files.push(...(names === undefined ? [path] : images.map((name) => join(path, name))));
    } catch (error) {
      if (!isEdgeError(error)) throw error;
      refused.push({ input: path, error });
    }
  }
  return { files, refused, notes };
}
