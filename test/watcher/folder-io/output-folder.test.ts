import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { isEdgeError } from "../../../core/errors.ts";
import { folderState, hasRoom } from "../../../watcher/folder/folder-state.ts";
import { withoutDiskName } from "../../../watcher/folder-io/mounted-disk.ts";
import { checkOutput, tryWriting } from "../../../watcher/folder-io/output-folder.ts";
import { ownMounts, withoutOwnMounts } from "../../own-mounts.ts";
import { temporaryFolder } from "../temporary-folder.ts";

const notMounted = (error: unknown): boolean => isEdgeError(error, "output-not-mounted");

test("the folder of the results is made below an existing one, and where its disk is mounted is told", async () => {
  const folder = await temporaryFolder();
  const output = join(folder, "denoised");
  const mountPoint = await checkOutput(output, undefined, {});
  assert.ok(output.startsWith(mountPoint) && mountPoint !== output);
  assert.deepEqual(await readdir(folder), ["denoised"]);
  await assert.rejects(checkOutput(join(folder, "no", "denoised"), undefined, {}), (error) =>
    isEdgeError(error, "output-folder-missing"),
  );
});

test("an empty folder where a disk was mounted is refused, and nothing is made in it", async () => {
  const disk = join(await temporaryFolder(), "disk");
  await mkdir(disk);
  await assert.rejects(checkOutput(disk, disk, {}), notMounted);
  await assert.rejects(checkOutput(join(disk, "denoised"), disk, {}), notMounted);
  assert.deepEqual(await readdir(disk), []);
  await rm(disk, { recursive: true });
  await assert.rejects(checkOutput(join(disk, "denoised"), disk, {}), notMounted);
});

test("what lies where a disk was mounted does not make it usable, but for the file that says so", async () => {
  const disk = join(await temporaryFolder(), "disk");
  await mkdir(disk);
  await writeFile(join(disk, "written while the disk was away"), "");
  await assert.rejects(checkOutput(disk, disk, {}), notMounted);
  await writeFile(join(disk, withoutDiskName), "");
  assert.notEqual(await checkOutput(disk, disk, {}), disk);
});

test("a file in the way of the results is told with what to do", async () => {
  const folder = await temporaryFolder();
  await writeFile(join(folder, "denoised"), "");
  await assert.rejects(
    checkOutput(join(folder, "denoised"), undefined, {}),
    (error) => isEdgeError(error, "output-folder-missing") && /^Move the file away/.test(error.remedy ?? ""),
  );
  await symlink(join(folder, "nowhere"), join(folder, "link"));
  await assert.rejects(checkOutput(join(folder, "link"), undefined, {}), (error) =>
    isEdgeError(error, "output-folder-missing"),
  );
});

test("a file in place of a folder for results, or of one above it, is told by its own path with what to do", async () => {
  const folder = await temporaryFolder();
  const file = join(folder, "denoised");
  await writeFile(file, "");
  const told = (error: unknown): boolean =>
    isEdgeError(error, "output-folder-missing") &&
    error.file === file &&
    /a file in place of the folder for results/.test(error.message) &&
    /^Move the file away, or name another folder as `output`; the folder goes on by itself$/.test(
      error.remedy ?? "",
    );
  await assert.rejects(tryWriting(file, {}), told);
  await assert.rejects(tryWriting(join(file, "day", "one"), {}), told);
  await assert.rejects(checkOutput(join(file, "below"), undefined, {}), told);
});

test("a trial of writing leaves nothing behind", async () => {
  const folder = await temporaryFolder();
  await tryWriting(join(folder, "day", "one"), {});
  assert.deepEqual(await readdir(join(folder, "day", "one")), []);
});

test("a disk that can hold no more files has no room, whatever bytes are free", {
  skip: withoutOwnMounts("/mnt"),
}, async () => {
  const script = 'mount -t tmpfs -o nr_inodes=16 none "$1" && exec "$2" --import "$4" "$3" "$1"';
  const program = join(import.meta.dirname, "full-of-files.ts");
  const disk = await temporaryFolder();
  const told = execFileSync("unshare", [
    ...ownMounts,
    "sh",
    "-c",
    script,
    "sh",
    disk,
    process.execPath,
    program,
    import.meta.resolve("tsx"),
  ]);
  assert.deepEqual(JSON.parse(told.toString()), { full: true, free: false });
});

test("a folder whose disk can hold no more files says so, and waits until it can", () => {
  const full = {
    neededBytes: 10,
    freeBytes: 1000,
    noFiles: true,
    source: { members: ["a.tif"], sizeBytes: 1, mtimeMs: 1 },
  };
  const { state, reason, remedy } = folderState({ full });
  assert.equal(state, "full");
  assert.match(reason ?? "", /can hold no more files/);
  assert.match(remedy ?? "", /^Delete files/);
  assert.equal(hasRoom(full, { freeBytes: 1000, freeFiles: 0 }, 0), false);
  assert.equal(hasRoom(full, { freeBytes: 1000, freeFiles: 1 }, 0), true);
});
