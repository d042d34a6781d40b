import { mkdir } from "node:fs/promises";
import { usageError } from "../core/errors.ts";

/** Makes the folder that `--out` names, with its parents. Throws `EdgeError` (`usage`) where that cannot be. */
export async function makeResultsFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true }).catch((cause: NodeJS.ErrnoException) => {
    throw usageError("the folder for results cannot be made", {
      code: "output-folder",
      file: folder,
      found: cause.code ?? cause.message,
      remedy: "Name another folder with --out",
      cause,
    });
  });
}
