// The sha256 of each of some files, on a thread of its own: hashing would stop the thread that moves pixels for a third
// of its time. Plain JavaScript, because a thread that first has to start tsx takes longer than most files.
import { createHash } from "node:crypto";
import { closeSync, openSync, readSync } from "node:fs";
import { parentPort } from "node:worker_threads";

const chunk = new Uint8Array(1 << 20);

/** @param {string} file */
function hashFile(file) {
  const hash = createHash("sha256");
  const descriptor = openSync(file, "r");
  try {
    for (;;) {
      const length = readSync(descriptor, chunk, 0, chunk.length, null);
      if (length === 0) return hash.digest("hex");
      hash.update(chunk.subarray(0, length));
    }
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Hashes, or the file that could not be read and the system's word for why.
 * @param {readonly string[]} files
 */
function hashAll(files) {
  const sha256 = [];
  for (const file of files) {
    try {
      sha256.push(hashFile(file));
    } catch (error) {
      return { file, code: error.code };
    }
  }
  return { sha256 };
}

// The messages of `runtime/worker/`, which is TypeScript, by hand: there is one question and one answer.
parentPort?.on("message", ({ id, value }) => {
  parentPort?.postMessage({ kind: "answer", id, value: hashAll(value) });
});
