import { open, stat, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { machineError } from "../../core/errors.ts";
import type { FileAccess } from "../../formats/file/atomic-file.ts";
import { claimPartial, forgetPartial, removeStalePartials } from "../../formats/file/partial-name.ts";
import { mountedDisk } from "./mounted-disk.ts";
import { makeOutputFolder, makeResultFolder } from "./result-folder.ts";
import { factsOf } from "./set-aside.ts";

/** The folder that finished sources are moved to. */
export interface MoveTarget {
  readonly target: string;
  /** Where its disk was mounted when sources were last moved there; undefined: never yet. */
  readonly targetMountPoint: string | undefined;
  /** Of the folders that are made there. */
  readonly access: FileAccess;
}

const targetDisk = {
  disk: "the disk for finished sources",
  code: "move-not-mounted",
  option: "`folders[].after`",
};

const targetFolder = {
  folder: "the folder for finished sources",
  code: "move-folder-taken",
  option: "`folders[].after`",
  after: "the daemon tries again by itself",
};

/**
 * Makes the folders below `target` that `sources` (below their watch folder, with their absolute paths) go to, and removes
 * what killed moves left there. Answers where its disk is mounted. Throws `EdgeError` (`machine`): `move-not-mounted`
 * where that disk is gone, `move-folder-taken` where a file has the name of a folder, `move-same-folder` where a folder is the source's own.
 */
export async function prepareTarget(
  { target, targetMountPoint, access }: MoveTarget,
  sources: readonly { readonly source: string; readonly path: string }[],
): Promise<string> {
  const mountPoint = await mountedDisk(target, targetMountPoint, targetDisk);
  await makeOutputFolder(target, access, targetFolder);
  for (const { source, path } of sources) {
    const folder = dirname(join(target, source));
    await makeResultFolder(folder, access, targetFolder);
    await removeStalePartials(folder);
    if (await isSameFolder(dirname(path), folder)) throw sameFolder(path, folder);
  }
  return mountPoint;
}

/** Makes the folders that files go to below a target that was prepared, and removes what killed moves left there. */
export async function makeFolders({ access }: MoveTarget, files: readonly string[]): Promise<void> {
  for (const folder of new Set(files.map((file) => dirname(file)))) {
    await makeResultFolder(folder, access, targetFolder);
    await removeStalePartials(folder);
  }
}

/**
 * Whether two paths lead to one folder, over links, mounts or shares: removing the "source" would then remove the
 * "copy". A file that is made in one of them and seen in the other tells it where inode numbers do not.
 */
async function isSameFolder(one: string, other: string): Promise<boolean> {
  const [here, there] = await Promise.all([stat(one, { bigint: true }), stat(other, { bigint: true })]);
  if (here.dev === there.dev) return here.ino === there.ino;
  const probe = claimPartial(join(other, "probe"));
  try {
    await (await open(probe, "wx")).close();
    return (await factsOf(join(one, basename(probe)))) !== undefined;
  } finally {
    await unlink(probe).catch(() => undefined);
    forgetPartial(probe);
  }
}

function sameFolder(file: string, folder: string) {
  return machineError("the folder for finished sources is the watch folder itself", {
    code: "move-same-folder",
    file,
    found: folder,
    remedy: "Set folders[].after to another folder",
    retryable: true,
  });
}
