import { stat } from "node:fs/promises";
import { openError } from "../../formats/file/file-errors.ts";

/**
 * What a file is known by without reading it: equal at two times, nobody wrote to it or put another in its place between
 * them, unless its disk tells no time of status change. Throws `EdgeError` (`machine`, as `openError`).
 */
export async function fileState(file: string): Promise<string> {
  const { dev, ino, size, mtimeNs, ctimeNs } = await stat(file, { bigint: true }).catch((cause: unknown) => {
    throw openError(cause, file);
  });
  return [dev, ino, size, mtimeNs, ctimeNs].join(" ");
}
