import { constants } from "node:fs";
import { copyFile, link, mkdir, rename, stat, unlink, utimes } from "node:fs/promises";
import { dirname, join, parse } from "node:path";
import { machineError, verificationError } from "../../core/errors.ts";
import { wholeHash } from "../intake/identity.ts";

/** More names than this are not tried for one file. */
const mostNames = 1000;

/**
 * Moves `folder/source` to `target/source` and returns where it went; a file of that name there is left alone and
 * `name-2.tif`, … is taken. Across disks the copy is compared by hash before the source goes.
 */
export async function moveSource(
  folder: string,
  source: string,
  target: string,
  onStep: () => void,
): Promise<string> {
  const from = join(folder, source);
  const wanted = join(target, source);
  await mkdir(dirname(wanted), { recursive: true });
  for (let attempt = 1; attempt <= mostNames; attempt += 1) {
    const to = attempt === 1 ? wanted : numbered(wanted, attempt);
    try {
      // `link` refuses to replace, which `rename` would not.
      await link(from, to);
      await unlink(from);
      return to;
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : undefined;
      if (code === "EEXIST") continue;
      if (code === "EXDEV") return copyThenRemove(from, to, onStep);
      // FAT and some shares know no links.
      if (code === "EPERM" || code === "ENOTSUP" || code === "EOPNOTSUPP") {
        if ((await stat(to).catch(() => undefined)) !== undefined) continue;
        await rename(from, to);
        return to;
      }
      throw error;
    }
  }
  throw machineError("no free name is left for the moved source", {
    code: "move-names",
    file: wanted,
    remedy: "Empty the folder that finished sources are moved to",
  });
}

async function copyThenRemove(from: string, to: string, onStep: () => void): Promise<string> {
  const partial = join(dirname(to), `.cnnt-edge-moving-${parse(to).base}.partial`);
  try {
    if ((await stat(to).catch(() => undefined)) !== undefined) {
      throw machineError("the moved source's name is taken", { code: "move-occupied", file: to });
    }
    await copyFile(from, partial, constants.COPYFILE_FICLONE);
    const { atime, mtime } = await stat(from);
    await utimes(partial, atime, mtime);
    if ((await wholeHash(from, onStep)) !== (await wholeHash(partial, onStep))) {
      throw verificationError("the copy differs from the source", {
        code: "move-differs",
        file: to,
        remedy: "Check the disk that finished sources are moved to; the source stays where it is",
      });
    }
    await rename(partial, to);
    await unlink(from);
    return to;
  } finally {
    await unlink(partial).catch(() => undefined);
  }
}

function numbered(path: string, number: number): string {
  const { dir, name, ext } = parse(path);
  return join(dir, `${name}-${number}${ext}`);
}
