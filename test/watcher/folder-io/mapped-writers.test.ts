import assert from "node:assert/strict";
import { type BigIntStats, closeSync, openSync } from "node:fs";
import { mkdir, rename, stat, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { isEdgeError } from "../../../core/errors.ts";
import { findMappedWriters } from "../../../watcher/folder-io/mapped-writers.ts";
import { moveSource } from "../../../watcher/folder-io/move-source.ts";
import { findOpenWriters } from "../../../watcher/folder-io/open-writers.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { sources } from "./move-orders.ts";

const [readable, writable, shared, privately] = [1, 2, 1, 2];
const bytes = 4096;

/** Maps a file into this process and closes its descriptor. The answer gives the memory back. undefined where koffi has no build for this system. */
function mapped(t: TestContext, file: string, protection: number, kind: number): (() => void) | undefined {
  let system: { func: (prototype: string) => (...values: unknown[]) => unknown };
  try {
    system = createRequire(import.meta.url)("koffi").load(null);
  } catch {
    t.skip("there is no build of koffi for this system");
    return undefined;
  }
  const map = system.func(
    "void *mmap(void *at, size_t bytes, int protection, int kind, int fd, int64_t offset)",
  );
  const unmap = system.func("int munmap(void *at, size_t bytes)");
  const descriptor = openSync(file, (protection & writable) === 0 ? "r" : "r+");
  const at = map(null, bytes, protection, kind, descriptor, 0);
  closeSync(descriptor);
  let isOver = false;
  const end = (): void => {
    if (!isOver) unmap(at, bytes);
    isOver = true;
  };
  t.after(end);
  return end;
}

test("a source that a program has mapped for writing after it closed it is not moved, and is once that has ended", async (t) => {
  const order = await sources(join(await temporaryFolder(), "done"), { "a.tif": Buffer.alloc(bytes, 1) });
  const end = mapped(t, join(order.folder, "a.tif"), readable | writable, shared);
  if (end === undefined) return;
  await assert.rejects(
    moveSource(order, () => undefined),
    (error) => isEdgeError(error, "move-open") && error.found?.includes(`(${process.pid})`) === true,
  );
  end();
  assert.equal((await moveSource(order, () => undefined)).kind, "moved");
});

test("who maps a file to read it, or a copy of its own, does not write to it; its name may change meanwhile", async (t) => {
  const folder = await temporaryFolder();
  const file = join(folder, "a.tif");
  await writeFile(file, Buffer.alloc(bytes));
  const facts = await stat(file, { bigint: true });
  for (const [protection, kind] of [
    [readable, shared],
    [readable | writable, privately],
  ] as const) {
    if (mapped(t, file, protection, kind) === undefined) return;
  }
  assert.deepEqual(findMappedWriters([facts]), []);
  mapped(t, file, readable | writable, shared);
  // No descriptor shows it.
  assert.deepEqual(findOpenWriters([facts]).writers, []);
  await rename(file, join(folder, "b\n.tif"));
  assert.match(findMappedWriters([facts]).join(), new RegExp(`\\(${process.pid}\\)$`));
  assert.deepEqual(findMappedWriters([{ ...facts, ino: facts.ino + 1n } as BigIntStats]), []);
});

test("where a file system tells another device number in a process's maps, the file's path decides", async () => {
  const folder = await temporaryFolder();
  const file = join(folder, "a file.tif");
  await writeFile(file, "");
  const facts = await stat(file, { bigint: true });
  const proc = await temporaryFolder();
  const shows = async (device: string, path: string) => {
    await mkdir(join(proc, "77"), { recursive: true });
    const line = (perms: string, where: string) =>
      `7f30a2b7a000-7f30a2b7b000 ${perms} 00000000 ${device} ${facts.ino}                     ${where}\n`;
    await writeFile(join(proc, "77/maps"), `${line("r-xp", "/usr/lib/a.so")}${line("rw-s", path)}`);
    return findMappedWriters([facts], proc);
  };
  assert.deepEqual(await shows("ff:7", file), ["process 77"]);
  assert.deepEqual(await shows("ff:7", join(folder, "other.tif")), []);
  const { dev } = facts;
  const hex = (part: bigint): string => part.toString(16).padStart(2, "0");
  const major = ((dev >> 8n) & 0xfffn) | ((dev >> 32n) & ~0xfffn);
  const minor = (dev & 0xffn) | ((dev >> 12n) & ~0xffn);
  assert.deepEqual(await shows(`${hex(major)}:${hex(minor)}`, "/elsewhere"), ["process 77"]);
});
