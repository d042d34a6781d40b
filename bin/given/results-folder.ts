import { access, constants, mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { type EdgeError, usageError } from "../../core/errors.ts";

/** Makes the folder that `option` names, with its parents. Throws `EdgeError` (`usage`) where that cannot be. */
export async function makeResultsFolder(folder: string, option = "--out"): Promise<void> {
  await mkdir(folder, { recursive: true }).catch((cause: NodeJS.ErrnoException) => {
    throw cannotBeMade(folder, option, cause.code ?? cause.message);
  });
}

/** Whether results can go there, without making anything. Throws `EdgeError` (`usage`) where they cannot. */
export async function refuseUselessFolder(folder: string, option = "--out"): Promise<void> {
  for (let nearest = folder; ; nearest = dirname(nearest)) {
    const facts = await stat(nearest).catch((cause: NodeJS.ErrnoException) => cause);
    if (facts instanceof Error) {
      if (facts.code === "ENOENT" && dirname(nearest) !== nearest) continue;
      throw cannotBeMade(folder, option, facts.code ?? facts.message);
    }
    if (!facts.isDirectory()) throw cannotBeMade(folder, option, `a file, ${nearest}`);
    await access(nearest, constants.W_OK | constants.X_OK).catch((cause: NodeJS.ErrnoException) => {
      throw nearest === folder
        ? notWritable(folder, option, cause)
        : cannotBeMade(folder, option, cause.code ?? cause.message);
    });
    return;
  }
}

function cannotBeMade(folder: string, option: string, found: string): EdgeError {
  return usageError("the folder for results cannot be made", {
    code: "output-folder",
    file: folder,
    found,
    remedy: `Name another folder with ${option}`,
  });
}

function notWritable(folder: string, option: string, cause: NodeJS.ErrnoException): EdgeError {
  return usageError("the folder for results cannot be written to", {
    code: "output-folder",
    file: folder,
    found: cause.code ?? cause.message,
    remedy: `Name another folder with ${option}, or ask its owner for the right to write`,
    cause,
  });
}
