import { type FileHandle, open, unlink } from "node:fs/promises";
import { machineError } from "../../core/errors.ts";
import { writeError } from "../../formats/file/file-errors.ts";
import { claimPartial, forgetPartial } from "../../formats/file/partial-name.ts";

/** Float32 planes on disk, for what can only be said when the whole stack is known. */
export interface PlaneSpool {
  readonly write: (depth: number, values: Float32Array) => Promise<void>;
  readonly read: (depth: number, into: Float32Array) => Promise<void>;
  readonly close: () => Promise<void>;
}

/**
 * A file beside `target`, where there is room for the result too. It loses its name at once, so that nothing is left of
 * it however the process ends; where the system does not allow that, when it is closed.
 */
export async function openPlaneSpool(target: string, planeVoxels: number): Promise<PlaneSpool> {
  const path = claimPartial(target);
  const handle: FileHandle = await open(path, "wx+").catch((error: unknown) => {
    forgetPartial(path);
    throw writeError(error, target);
  });
  const unnamed = await unlink(path).then(
    () => true,
    () => false,
  );
  const planeBytes = planeVoxels * Float32Array.BYTES_PER_ELEMENT;
  const bytesOf = (values: Float32Array) => new Uint8Array(values.buffer, values.byteOffset, planeBytes);
  return {
    async write(depth, values) {
      const bytes = bytesOf(values);
      for (let written = 0; written < planeBytes; ) {
        const at = depth * planeBytes + written;
        const { bytesWritten } = await handle
          .write(bytes, written, planeBytes - written, at)
          .catch((error: unknown) => Promise.reject(writeError(error, target)));
        written += bytesWritten;
      }
    },
    async read(depth, into) {
      const { bytesRead } = await handle.read(bytesOf(into), 0, planeBytes, depth * planeBytes);
      if (bytesRead !== planeBytes) throw lostPlane(target);
    },
    async close() {
      await handle.close();
      if (!unnamed) await unlink(path).catch(() => undefined);
      forgetPartial(path);
    },
  };
}

function lostPlane(file: string) {
  return machineError("a plane of the unfinished result could not be read back", {
    code: "spool-lost",
    file,
    retryable: true,
    remedy: "Check the disk of the results folder",
  });
}
