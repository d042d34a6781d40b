import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { type EdgeError, formatError, usageError } from "../../core/errors.ts";
import { openError, readError } from "./file-errors.ts";

/** A file read by position. Its size is taken once, when it is opened; a file that shrinks afterwards is refused. */
export interface ByteSource {
  /** Path as given. */
  readonly file: string;
  /** Bytes. */
  readonly size: number;
  /** Fills the whole of `target` from `position`. Throws `file-cut` where the file ends before. */
  readInto(target: Uint8Array, position: number): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens a regular file for reading. Throws `EdgeError`: `usage` for a path with a NUL byte, `format` for a folder or a
 * device, `machine` where the system refuses.
 */
export async function openByteSource(file: string): Promise<ByteSource> {
  if (file.includes("\0")) {
    throw usageError("the path holds a NUL byte", {
      code: "file-path",
      file,
      remedy: "Name an existing file.",
    });
  }
  // O_NONBLOCK: a named pipe without a writer would hold the open for ever.
  const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK).catch((cause: unknown) => {
    throw openError(cause, file);
  });
  try {
    const stat = await handle.stat();
    if (stat.isDirectory()) {
      throw formatError("this is a folder, not a file", {
        code: "file-is-folder",
        file,
        remedy: "Name the files in it.",
      });
    }
    if (!stat.isFile()) {
      throw formatError("this is a device or a pipe, not a file", {
        code: "file-not-regular",
        file,
        remedy: "Name a regular file.",
      });
    }
    return sourceOf(file, handle, stat.size);
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** A file that is opened when it is first read, and again where that comes after `close`. */
export function reopenedSource(file: string) {
  let opened: Promise<ByteSource> | undefined;
  return {
    get(): Promise<ByteSource> {
      opened ??= openByteSource(file);
      return opened;
    },
    async close(): Promise<void> {
      const open = opened;
      opened = undefined;
      await (await open?.catch(() => undefined))?.close();
    },
  };
}

function sourceOf(file: string, handle: FileHandle, size: number): ByteSource {
  const cut = (position: number, length: number): EdgeError =>
    formatError("the file is cut: it ends before its data", {
      code: "file-cut",
      file,
      at: `byte ${position}`,
      found: `a file of ${size} bytes`,
      allowed: `${length} bytes from there`,
      remedy: "Copy it again, or wait until it is written completely.",
      retryable: true,
    });
  return {
    file,
    size,
    async readInto(target, position) {
      if (position + target.length > size) throw cut(position, target.length);
      let done = 0;
      while (done < target.length) {
        // One read call takes at most 2 GiB - 1 on Linux.
        const length = Math.min(target.length - done, 1 << 30);
        const { bytesRead } = await handle
          .read(target, done, length, position + done)
          .catch((cause: unknown) => {
            throw readError(cause, file, `byte ${position + done}`);
          });
        if (bytesRead === 0) throw cut(position, target.length);
        done += bytesRead;
      }
    },
    close: () => handle.close(),
  };
}

/**
 * Reads small structures through one window of the file, so that directories that lie close together cost one
 * read. The bytes that come back are valid until the next call.
 */
export interface WindowedReader {
  readonly source: ByteSource;
  bytes(position: number, length: number): Promise<Buffer>;
}

export function windowedReader(source: ByteSource, windowBytes = 16_384): WindowedReader {
  let window = Buffer.alloc(0);
  let start = 0;
  return {
    source,
    async bytes(position, length) {
      if (position < start || position + length > start + window.length) {
        const wanted = Math.max(length, Math.min(windowBytes, source.size - position));
        // A fresh buffer: the one before may still be in use by an overlapping call.
        const fresh = Buffer.allocUnsafe(Math.max(0, wanted));
        await source.readInto(fresh, position);
        window = fresh;
        start = position;
        return fresh.subarray(0, length);
      }
      return window.subarray(position - start, position - start + length);
    },
  };
}
