import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { removeStalePartials } from "../../formats/file/partial-name.ts";
import { deepestLevel } from "../intake/sweep.ts";

/**
 * Removes what killed processes left half written in `folder`, and with `subfolders` below it too. A folder that cannot
 * be listed is left out. `onStep` is called after each folder.
 */
export async function removeLeftPartials(
  folder: string,
  subfolders: boolean,
  onStep: () => void,
): Promise<void> {
  const pending = [{ path: folder, level: 0 }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { path, level } = next;
    await removeStalePartials(path);
    onStep();
    if (!subfolders || level === deepestLevel) continue;
    const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
    for (const entry of entries) {
      if (entry.isDirectory()) pending.push({ path: join(path, entry.name), level: level + 1 });
    }
  }
}
