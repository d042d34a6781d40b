import { readdir } from "node:fs/promises";
import { leaseFolderName } from "../../watcher/folder-io/lease-file.ts";

/** What lies in a folder, with `recursive` below it too, but for the lease of the daemon that works on it. */
export async function namesIn(
  folder: string,
  options: { readonly recursive?: true } = {},
): Promise<string[]> {
  const names = await readdir(folder, { ...options, encoding: "utf8" });
  return names.filter((name) => !name.split("/").includes(leaseFolderName));
}
