import { access, constants, mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { counted } from "../../core/counted.ts";
import { describeError, type EdgeError, isEdgeError, usageError } from "../../core/errors.ts";
import { unreachable } from "../../formats/files-of.ts";
import type { CommandIo } from "../command/command.ts";

type Look = () => Promise<unknown>;

/**
 * Takes all looks at what a command needs, one after the other, and gives what they found, in their order. Where some fail, all that is wrong is told, a line each,
 * before anything that takes time has begun: the last as the error that ends the command, those before it on stderr.
 * Throws `EdgeError`.
 */
export async function refuseTogether<const Looks extends readonly Look[]>(
  looks: Looks,
  io: CommandIo,
): Promise<{ -readonly [Index in keyof Looks]: Awaited<ReturnType<Looks[Index]>> }> {
  const found: unknown[] = [];
  const wrong = new Map<string, EdgeError>();
  for (const look of looks) {
    io.signal.throwIfAborted();
    try {
      found.push(await look());
    } catch (error) {
      if (!isEdgeError(error)) throw error;
      wrong.set(describeError(error), error);
    }
  }
  const last = [...wrong.values()].at(-1);
  if (last === undefined) return found as never;
  for (const [line, error] of wrong) if (error !== last) io.stderr.write(`cnnt-edge: ${line}\n`);
  throw last;
}

/** Throws `EdgeError` (`usage`) where the path names nothing that can be reached. */
export async function refuseMissing(path: string): Promise<void> {
  await stat(path).catch((cause: unknown) => {
    throw unreachable(path, cause);
  });
}

/**
 * What to say of refused files, a line each. The files of an incomplete set are refused for one reason, which is told
 * once, with the first of them.
 */
export function refusalLines(refused: readonly { readonly error: unknown }[]): readonly string[] {
  const groups = new Map<string, { readonly line: string; count: number }>();
  for (const { error } of refused) {
    const line = describeError(error);
    const isSet = isEdgeError(error, "ome-set-incomplete") && error.file !== undefined;
    const key = isSet ? `${dirname(error.file ?? "")}\0${error.found}` : line;
    const known = groups.get(key);
    if (known === undefined) groups.set(key, { line, count: 1 });
    else known.count += 1;
  }
  return [...groups.values()].map(({ line, count }) =>
    count === 1
      ? line
      : `${line.replace(/\.$/, "")}. The same holds for ${counted(count - 1, "other file")} of this set`,
  );
}

/** Makes the folder that `option` names, with its parents. Throws `EdgeError` (`usage`) where that cannot be. */
export async function makeResultsFolder(folder: string, option = "--out"): Promise<void> {
  await mkdir(folder, { recursive: true }).catch((cause: NodeJS.ErrnoException) => {
    throw cannotBeMade(folder, cause.code ?? cause.message, option);
  });
}

/** Whether results can go there, without making anything. Throws `EdgeError` (`usage`) where they cannot. */
export async function refuseUselessFolder(folder: string): Promise<void> {
  for (let nearest = folder; ; nearest = dirname(nearest)) {
    const facts = await stat(nearest).catch((cause: NodeJS.ErrnoException) => cause);
    if (facts instanceof Error) {
      if (facts.code === "ENOENT" && dirname(nearest) !== nearest) continue;
      throw cannotBeMade(folder, facts.code ?? facts.message);
    }
    if (!facts.isDirectory()) throw cannotBeMade(folder, `a file, ${nearest}`);
    await access(nearest, constants.W_OK | constants.X_OK).catch((cause: NodeJS.ErrnoException) => {
      throw nearest === folder
        ? notWritable(folder, cause)
        : cannotBeMade(folder, cause.code ?? cause.message);
    });
    return;
  }
}

function cannotBeMade(folder: string, found: string, option = "--out"): EdgeError {
  return usageError("the folder for results cannot be made", {
    code: "output-folder",
    file: folder,
    found,
    remedy: `Name another folder with ${option}`,
  });
}

function notWritable(folder: string, cause: NodeJS.ErrnoException): EdgeError {
  return usageError("the folder for results cannot be written to", {
    code: "output-folder",
    file: folder,
    found: cause.code ?? cause.message,
    remedy: "Name another folder with --out, or ask its owner for the right to write",
    cause,
  });
}
