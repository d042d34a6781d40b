import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { basename } from "node:path";
import { machineError } from "../core/errors.ts";

const chunkBytes = 1 << 20;

/**
 * The sha256 (hex) of the file that an acquisition came from. For a set of files: that of the lines `sha256sum` would
 * print for its members in their order, names without folders.
 */
export async function hashSource(members: readonly string[], signal: AbortSignal): Promise<string> {
  const hashes: string[] = [];
  for (const member of members) hashes.push(await hashFile(member, signal));
  const [only] = hashes;
  if (hashes.length === 1 && only !== undefined) return only;
  const list = createHash("sha256");
  for (const [i, hash] of hashes.entries()) list.update(`${hash}  ${basename(members[i] ?? "")}\n`);
  return list.digest("hex");
}

async function hashFile(file: string, signal: AbortSignal): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(file, { highWaterMark: chunkBytes, signal })) {
    hash.update(chunk as Buffer);
  }
  return hash.digest("hex");
}

/** Sizes and times of modification of all members: equal before and after, nobody wrote meanwhile. */
export async function sourceState(members: readonly string[]): Promise<string> {
  const states: string[] = [];
  for (const member of members) {
    const { size, mtimeNs } = await stat(member, { bigint: true });
    states.push(`${size} ${mtimeNs}`);
  }
  return states.join("\n");
}

/** Throws `EdgeError` (`machine`, `source-changed`, retryable) unless the members are as they were. */
export async function refuseChangedSource(
  file: string,
  members: readonly string[],
  before: string,
): Promise<void> {
  if ((await sourceState(members)) === before) return;
  throw machineError("the source was written to while it was read", {
    code: "source-changed",
    file,
    retryable: true,
    remedy: "Wait until the microscope has finished the file, then try again",
  });
}
