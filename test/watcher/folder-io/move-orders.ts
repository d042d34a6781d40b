import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, readdir, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { MoveOrder } from "../../../watcher/folder-io/move-members.ts";
import { temporaryFolder } from "../temporary-folder.ts";

export const sha256 = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

/** Files in a watch folder and the order to move them to `target`, all denoised as they lie there. */
export async function sources(target: string, files: Readonly<Record<string, Buffer>>): Promise<MoveOrder> {
  const folder = await temporaryFolder();
  let sizeBytes = 0;
  let mtimeMs = 0;
  for (const [name, bytes] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), bytes);
    const facts = await stat(join(folder, name));
    sizeBytes += facts.size;
    mtimeMs = Math.max(mtimeMs, facts.mtimeMs);
  }
  return {
    folder,
    target,
    targetMountPoint: undefined,
    access: {},
    members: Object.keys(files),
    sha256: Object.fromEntries(Object.entries(files).map(([name, bytes]) => [name, sha256(bytes)])),
    denoised: { sizeBytes, mtimeMs, quietForMs: 1e6 },
    quietMs: 1,
  };
}
export const all = (folder: string): Promise<string[]> =>
  readdir(folder, { recursive: true }).then((names) => names.sort());

/** Runs `moving-program.ts` until it kills itself. */
export function killed(how: {
  order?: MoveOrder;
  steps?: number;
  aside?: string;
  orders?: readonly MoveOrder[];
  links?: boolean;
}): void {
  const program = join(import.meta.dirname, "moving-program.ts");
  const { signal, stderr } = spawnSync(
    process.execPath,
    ["--import", import.meta.resolve("tsx"), program, JSON.stringify(how)],
    {
      encoding: "utf8",
    },
  );
  assert.equal(signal, "SIGKILL", stderr);
}
