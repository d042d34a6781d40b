import assert from "node:assert/strict";
import { mkdir, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { isEdgeError } from "../../../core/errors.ts";
import { checkOutput, tryWriting } from "../../../watcher/folder-io/output-folder.ts";
import { temporaryFolder } from "../temporary-folder.ts";

const notMounted = (error: unknown): boolean => isEdgeError(error, "output-not-mounted");

test("the folder of the results is made below an existing one, and where its disk is mounted is told", async () => {
  const folder = await temporaryFolder();
  const output = join(folder, "denoised");
  const mountPoint = await checkOutput(output, undefined);
  assert.ok(output.startsWith(mountPoint) && mountPoint !== output);
  assert.deepEqual(await readdir(folder), ["denoised"]);
  await assert.rejects(checkOutput(join(folder, "no", "denoised"), undefined), (error) =>
    isEdgeError(error, "output-folder-missing"),
  );
});

test("an empty folder where a disk was mounted is refused, and nothing is made in it", async () => {
  const disk = join(await temporaryFolder(), "disk");
  await mkdir(disk);
  await assert.rejects(checkOutput(disk, disk), notMounted);
  await assert.rejects(checkOutput(join(disk, "denoised"), disk), notMounted);
  assert.deepEqual(await readdir(disk), []);
  await rm(disk, { recursive: true });
  await assert.rejects(checkOutput(join(disk, "denoised"), disk), notMounted);
});

test("a folder that holds files where a disk was mounted is taken as it is", async () => {
  const disk = join(await temporaryFolder(), "disk");
  await mkdir(disk);
  await writeFile(join(disk, "results that were copied here"), "");
  assert.notEqual(await checkOutput(disk, disk), disk);
});

test("a file in the way of the results is told with what to do", async () => {
  const folder = await temporaryFolder();
  await writeFile(join(folder, "denoised"), "");
  await assert.rejects(
    checkOutput(join(folder, "denoised"), undefined),
    (error) => isEdgeError(error, "output-folder-missing") && /Move the file away/.test(error.remedy ?? ""),
  );
  await symlink(join(folder, "nowhere"), join(folder, "link"));
  await assert.rejects(checkOutput(join(folder, "link"), undefined), (error) =>
    isEdgeError(error, "output-folder-missing"),
  );
});

test("a trial of writing leaves nothing behind", async () => {
  const folder = await temporaryFolder();
  await tryWriting(join(folder, "day", "one"));
  assert.deepEqual(await readdir(join(folder, "day", "one")), []);
});
