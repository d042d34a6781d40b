import { createHash } from "node:crypto";
import { type BigIntStats, constants } from "node:fs";
import { open } from "node:fs/promises";
import { machineError, verificationError } from "../../core/errors.ts";
import { digestOfFile } from "../../formats/file/file-digest.ts";
import { writeError } from "../../formats/file/file-errors.ts";

const chunkBytes = 4 * 1024 * 1024;
/** So much is handed to the disk at a time: the sync at the end is then short enough not to look like a hang. */
const syncEveryBytes = 64 * 1024 * 1024;

/**
 * Copies `from` to the new file `to` on another disk, syncs it, reads it back and returns its sha256 (hex). Throws
 * `EdgeError` where `from` is not the file that `facts` tells of, where the copy differs from what was read, or where
 * the disk refuses.
 */
export async function copySource(from: string, facts: BigIntStats, to: string, onStep: () => void) {
  const source = await open(from, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const opened = await source.stat({ bigint: true });
    if (opened.dev !== facts.dev || opened.ino !== facts.ino) throw replaced(from);
    const copy = await open(to, "wx", Number(facts.mode) & 0o777).catch((error: unknown) => {
      throw writeError(error, to);
    });
    const hash = createHash("sha256");
    try {
      const chunk = Buffer.allocUnsafe(chunkBytes);
      let unsyncedBytes = 0;
      for (let position = 0; ; ) {
        const { bytesRead } = await source.read(chunk, 0, chunkBytes, position);
        if (bytesRead === 0) break;
        const bytes = chunk.subarray(0, bytesRead);
        hash.update(bytes);
        for (let done = 0; done < bytesRead; ) {
          const { bytesWritten } = await copy.write(bytes, done, bytesRead - done, position + done);
          done += bytesWritten;
        }
        position += bytesRead;
        unsyncedBytes += bytesRead;
        if (unsyncedBytes >= syncEveryBytes) {
          await copy.datasync();
          unsyncedBytes = 0;
        }
        onStep();
      }
      await copy.utimes(Number(facts.atimeNs) / 1e9, Number(facts.mtimeNs) / 1e9);
      await copy.sync();
      onStep();
    } catch (error) {
      throw writeError(error, to);
    } finally {
      await copy.close();
    }
    const sha256 = hash.digest("hex");
    if ((await digestOfFile(to, { onStep })) !== sha256) throw copyDiffers(to);
    return sha256;
  } finally {
    await source.close();
  }
}

function replaced(file: string) {
  return machineError("another file has taken the source's name and stays where it is", {
    code: "move-changed",
    file,
    remedy: "Wait; the new file is denoised first",
    retryable: true,
  });
}

function copyDiffers(file: string) {
  return verificationError("the copy differs from the source", {
    code: "move-differs",
    file,
    remedy: "Check the disk that finished sources are moved to; the source stays where it is",
    retryable: true,
  });
}
