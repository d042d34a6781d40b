import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, rename, rm, stat, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { reportOf } from "../../../core/errors.ts";
import {
  fileState,
  hashSource,
  refuseChangedSource,
  sourceState,
} from "../../../runtime/result/source-hash.ts";

async function folderWith(t: TestContext, name: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "cnnt-edge-source-"));
  t.after(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, name), "bytes");
  return folder;
}

test("a member that is gone is told by its name and as missing, by the hash and by the look", async (t) => {
  const folder = await folderWith(t, "a.tif");
  const members = [join(folder, "a.tif"), join(folder, "b.tif")];
  const { signal } = new AbortController();
  for (const [ask, what] of [
    [() => hashSource(members, signal), "hashed"],
    [() => sourceState(members), "looked at"],
  ] as const) {
    const report = await ask().then(() => assert.fail(`it was ${what}`), reportOf);
    assert.equal(report.code, "file-missing");
    assert.match(report.message, /b\.tif: there is no such file/);
    assert.ok(report.remedy);
  }
});

test("a member that became a folder while it was read is a source that changed, not an error of cnnt-edge", async (t) => {
  const folder = await folderWith(t, "a.tif");
  const file = join(folder, "a.tif");
  const before = await sourceState([file]);
  await rm(file);
  await mkdir(file);
  await hashSource([file], new AbortController().signal);
  const report = await refuseChangedSource(file, [file], before).then(() => assert.fail(), reportOf);
  assert.deepEqual([report.kind, report.code], ["machine", "source-changed"]);
});

test("a source whose bytes were replaced while it was read is refused, also where it has its old size and time again", async (t) => {
  const folder = await folderWith(t, "a.tif");
  const file = join(folder, "a.tif");
  const before = await sourceState([file]);
  const { size, atime, mtime } = await stat(file);
  await sleep(20);
  await writeFile(file, Buffer.alloc(size, 1));
  await utimes(file, atime, mtime);
  const report = await refuseChangedSource(file, [file], before).then(() => assert.fail(), reportOf);
  assert.equal(report.code, "source-changed");
});

test("the hash of a member that is a folder is what sha256sum says of all files below it, in the order of sort", async (t) => {
  const folder = await folderWith(t, "zarr.json");
  for (const name of [".zattrs", "0/10/0", "0/2/0", "0.5/x", "0/é", "c d"]) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), name);
  }
  const { sha256, files, fileCount } = await hashSource([folder], new AbortController().signal);
  const said = execFileSync(
    "sh",
    ["-c", "find . -type f -printf '%P\\n' | LC_ALL=C sort | xargs -d '\\n' sha256sum | sha256sum"],
    { cwd: folder, encoding: "utf8" },
  );
  assert.equal(sha256, said.split(" ")[0]);
  assert.deepEqual([files, fileCount], [[{ file: folder, sha256 }], 7]);
});

test("a file that is changed, added, renamed or removed anywhere below a folder changes what the folder is known by", async (t) => {
  const folder = await folderWith(t, "zarr.json");
  await mkdir(join(folder, "0/c"), { recursive: true });
  const chunk = join(folder, "0/c/1");
  const changes = [
    () => writeFile(chunk, "one"),
    () => writeFile(chunk, "other"),
    () => rename(chunk, join(folder, "0/c/2")),
    () => rm(join(folder, "0/c/2")),
  ];
  const states = new Set([await sourceState([folder])]);
  const kept = new Set([await fileState(folder)]);
  for (const change of changes) {
    await change();
    assert.equal(await sourceState([folder]), await sourceState([folder]));
    states.add(await sourceState([folder]));
    kept.add(await fileState(folder));
  }
  // At the end it has the same files again as at the beginning.
  assert.deepEqual([states.size, kept.size], [changes.length, changes.length]);
});

test("a folder with a link in it, or of folders without end, is refused and not followed", async (t) => {
  const folder = await folderWith(t, "zarr.json");
  await symlink("/etc", join(folder, "0"));
  const linked = await hashSource([folder], new AbortController().signal).then(() => assert.fail(), reportOf);
  assert.deepEqual([linked.kind, linked.code], ["unsupported", "folder-not-plain"]);
  await rm(join(folder, "0"));
  await mkdir(join(folder, "d/".repeat(70)), { recursive: true });
  const deep = await sourceState([folder]).then(() => assert.fail(), reportOf);
  assert.equal(deep.code, "folder-size");
});
