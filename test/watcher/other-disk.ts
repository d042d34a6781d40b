import { rmSync } from "node:fs";
import { mkdtemp, stat } from "node:fs/promises";
import { temporaryFolder } from "./temporary-folder.ts";

const made: string[] = [];
process.on("exit", () => {
  for (const folder of made) rmSync(folder, { recursive: true, force: true });
});

/** A folder on another disk than temporary folders, which goes with the process; undefined where there is none. */
export async function otherDisk(): Promise<string | undefined> {
  const folder = await mkdtemp("/dev/shm/cnnt-edge-test-").catch(() => undefined);
  if (folder === undefined) return undefined;
  made.push(folder);
  const here = await stat(await temporaryFolder());
  return (await stat(folder)).dev === here.dev ? undefined : folder;
}

export const noOtherDisk = "/dev/shm is no other disk here";
