import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { usageError } from "../../core/errors.ts";

/**
 * All bytes of a file that a person named, as a configuration or a password: `largestBytes` of it at most. A pipe or a
 * device is refused and not waited for. Throws `EdgeError` (`usage`) for these, and what the system throws where the
 * file cannot be opened.
 */
export async function readNamedFile(file: string, largestBytes: number): Promise<Buffer> {
  // Without O_NONBLOCK, opening a pipe waits for somebody who writes into it, and nothing ends that wait.
  const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const facts = await handle.stat();
    if (!facts.isFile()) {
      throw usageError("this is not a file", {
        code: "named-not-a-file",
        file,
        found: facts.isDirectory() ? "a folder" : "a pipe or a device",
        allowed: "a regular file",
        remedy: "Write its content into a file, and name that",
      });
    }
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(Math.min(facts.size, largestBytes) + 1));
    if (bytesRead > largestBytes) {
      throw usageError("the file is too long", {
        code: "named-too-long",
        file,
        found: `${Math.max(facts.size, bytesRead)} bytes`,
        allowed: `at most ${largestBytes}`,
        remedy: "Check that this is the file that you mean",
      });
    }
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}
