import { readSync } from "node:fs";
import { createRequire } from "node:module";
import { endianness } from "node:os";
import { join } from "node:path";
import { systemCode } from "../../core/errors.ts";
import type { FileEvent } from "../intake/written-files.ts";

/**
 * What the kernel tells of the files of local folders (inotify(7)). Node and chokidar tell that a file changed, but not
 * that its writer has closed it, so the two calls that they lack are made with koffi.
 */
export interface KernelEvents {
  /** Tells of `folder` (absolute) from now on, but not of folders below it. */
  readonly watch: (folder: string) => void;
  /** What was told since the last call, oldest first. Never waits. */
  readonly read: () => readonly FileEvent[];
}

/** As much of koffi as is used; it is loaded only here. */
interface Koffi {
  readonly load: (library: string | null) => {
    readonly func: (prototype: string) => (...values: unknown[]) => number;
  };
}

/** linux/inotify.h. */
const bits = {
  modify: 0x2,
  closeWrite: 0x8,
  closeNoWrite: 0x10,
  open: 0x20,
  movedFrom: 0x40,
  movedTo: 0x80,
  create: 0x100,
  delete: 0x200,
  overflow: 0x4000,
  ignored: 0x8000,
  onlyFolder: 0x0100_0000,
  isFolder: 0x4000_0000,
};
const asked =
  bits.modify |
  bits.closeWrite |
  bits.closeNoWrite |
  bits.open |
  bits.movedFrom |
  bits.movedTo |
  bits.create |
  bits.delete |
  bits.onlyFolder;
/** IN_NONBLOCK and IN_CLOEXEC, which are O_NONBLOCK and O_CLOEXEC; the same on x64 and arm64. */
const initFlags = 0o4000 | 0o2000000;
/** Of `struct inotify_event`, before its name. */
const headBytes = 16;

/** undefined where the system has no such events, or there is no build of koffi for it. */
export function openKernelEvents(): KernelEvents | undefined {
  const calls = loadCalls();
  const descriptor = calls?.init(initFlags) ?? -1;
  if (calls === undefined || descriptor < 0) return undefined;
  const buffer = Buffer.alloc(256 * 1024);
  /** Folders by the number of their watch. */
  const folders = new Map<number, string>();
  const watched = new Set<string>();

  function leave(folder: string): void {
    for (const [number, path] of folders) {
      if (path !== folder && !path.startsWith(`${folder}/`)) continue;
      folders.delete(number);
      watched.delete(path);
    }
  }

  function* events(bytes: Buffer): Generator<FileEvent> {
    for (let at = 0; at < bytes.length; ) {
      const [watch, mask] = [bytes.readInt32LE(at), bytes.readUInt32LE(at + 4)];
      const [cookie, length] = [bytes.readUInt32LE(at + 8), bytes.readUInt32LE(at + 12)];
      const name = bytes.subarray(at + headBytes, at + headBytes + length);
      at += headBytes + length;
      const folder = folders.get(watch);
      if ((mask & bits.overflow) !== 0) yield { kind: "lost" };
      else if (folder === undefined) continue;
      else if ((mask & bits.ignored) !== 0) {
        leave(folder);
        yield { kind: "folder-left", path: folder };
      } else if (length > 0) {
        const path = join(folder, name.subarray(0, name.indexOf(0)).toString());
        if ((mask & bits.isFolder) === 0) yield* fileEvents(mask, path, cookie);
        else if ((mask & bits.movedFrom) !== 0) {
          leave(path);
          yield { kind: "folder-left", path };
        } else if ((mask & (bits.create | bits.movedTo)) !== 0) yield { kind: "folder-made", path };
      }
    }
  }

  return {
    watch: (folder) => {
      if (watched.has(folder)) return;
      const number = calls.addWatch(descriptor, folder, asked);
      if (number < 0) return;
      watched.add(folder);
      folders.set(number, folder);
    },
    read: () => {
      const all: FileEvent[] = [];
      for (;;) {
        const count = readNow(descriptor, buffer);
        if (count === 0) return all;
        all.push(...events(buffer.subarray(0, count)));
      }
    },
  };
}

function* fileEvents(mask: number, path: string, cookie: number): Generator<FileEvent> {
  if ((mask & bits.create) !== 0) yield { kind: "made", path };
  if ((mask & bits.open) !== 0) yield { kind: "opened", path };
  if ((mask & bits.modify) !== 0) yield { kind: "written", path };
  if ((mask & bits.closeWrite) !== 0) yield { kind: "closed-writer", path };
  if ((mask & bits.closeNoWrite) !== 0) yield { kind: "closed", path };
  if ((mask & bits.movedFrom) !== 0) yield { kind: "moved-from", path, cookie };
  if ((mask & bits.movedTo) !== 0) yield { kind: "moved-to", path, cookie };
  if ((mask & bits.delete) !== 0) yield { kind: "left", path };
}

/** Bytes that were read into `buffer`; 0 where nothing was told. */
function readNow(descriptor: number, buffer: Buffer): number {
  try {
    return readSync(descriptor, buffer, 0, buffer.length, null);
  } catch (error) {
    if (systemCode(error) === "EAGAIN") return 0;
    throw error;
  }
}

function loadCalls() {
  // The constants above are those of little-endian Linux.
  if (process.platform !== "linux" || endianness() !== "LE") return undefined;
  try {
    const koffi = createRequire(import.meta.url)("koffi") as Koffi;
    // What Node itself is linked with: the system's C library, whichever it is.
    const system = koffi.load(null);
    return {
      init: system.func("int inotify_init1(int flags)"),
      addWatch: system.func("int inotify_add_watch(int fd, const char *path, uint32_t mask)"),
    };
  } catch {
    return undefined;
  }
}
