import { stat } from "node:fs/promises";
import { describeError, type EdgeError, isEdgeError } from "../../core/errors.ts";
import { unreachable } from "../../formats/files-of.ts";
import type { CommandIo } from "../command/command.ts";

/**
 * Takes all looks at what a command needs, one after the other. Where some fail, all that is wrong is told, a line each,
 * before anything that takes time has begun: the last as the error that ends the command, those before it on stderr.
 * Throws `EdgeError`.
 */
export async function refuseTogether(
  looks: readonly (() => Promise<unknown>)[],
  io: CommandIo,
): Promise<void> {
  const wrong = new Map<string, EdgeError>();
  for (const look of looks) {
    io.signal.throwIfAborted();
    try {
      await look();
    } catch (error) {
      if (!isEdgeError(error)) throw error;
      wrong.set(describeError(error), error);
    }
  }
  const last = [...wrong.values()].at(-1);
  if (last === undefined) return;
  for (const [line, error] of wrong) if (error !== last) io.stderr.write(`cnnt-edge: ${line}\n`);
  throw last;
}

/** Throws `EdgeError` (`usage`) where the path names nothing that can be reached. */
export async function refuseMissing(path: string): Promise<void> {
  await stat(path).catch((cause: unknown) => {
    throw unreachable(path, cause);
  });
}
