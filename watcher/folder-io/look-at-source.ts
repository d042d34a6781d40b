import { stat } from "node:fs/promises";
import { join } from "node:path";
import { isAbsent } from "../../core/errors.ts";

/** What lies in the watch folder of an acquisition. */
export type SourceLook =
  /** Size of all members together, and when the newest of them was changed: as the ledger identifies them. */
  | { readonly kind: "there"; readonly sizeBytes: number; readonly mtimeMs: number }
  /** The folder is there and a member is not. */
  | { readonly kind: "gone" }
  /** The system does not let us look at it; whoever opens it is told why. */
  | { readonly kind: "unknown" };

/** `members` lie below `folder`. Throws what `checkFolder` throws where the folder itself is not there. */
export async function lookAtSource(
  folder: string,
  members: readonly string[],
  checkFolder: () => Promise<unknown>,
): Promise<SourceLook> {
  const look = await lookAtMembers(folder, members);
  // After the look: a folder that vanished before it is then still gone.
  await checkFolder();
  return look;
}

async function lookAtMembers(folder: string, members: readonly string[]): Promise<SourceLook> {
  try {
    const found = await Promise.all(members.map((member) => stat(join(folder, member))));
    return {
      kind: "there",
      sizeBytes: found.reduce((sum, { size }) => sum + size, 0),
      mtimeMs: Math.max(...found.map(({ mtimeMs }) => mtimeMs)),
    };
  } catch (error) {
    return { kind: isAbsent(error) ? "gone" : "unknown" };
  }
}
