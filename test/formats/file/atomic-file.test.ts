import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmod, link, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach, test } from "node:test";
import { describeError, isEdgeError } from "../../../core/errors.ts";
import { createAtomicFile, writeFileAtomically } from "../../../formats/file/atomic-file.ts";

const root = await mkdtemp(join(tmpdir(), "cnnt-atomic-"));
let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(root, "case-"));
});
after(() => rm(root, { recursive: true }));

async function refusal(attempt: Promise<unknown>): Promise<{ code: string; kind: string; text: string }> {
  const error = await attempt.then(
    () => assert.fail("was not refused"),
    (reason: unknown) => reason,
  );
  assert.ok(isEdgeError(error), String(error));
  return { code: error.code, kind: error.kind, text: describeError(error) };
}

test("nothing has the final name until commit, and then all of it", async () => {
  const path = join(folder, "a.bin");
  const file = await createAtomicFile(path);
  await file.write(Buffer.from("world"), 6);
  await file.write(Buffer.from("hello "), 0);
  assert.deepEqual(await readdir(folder), [file.temporaryPath.slice(folder.length + 1)]);
  await file.commit(11);
  await file.abort();
  assert.deepEqual(await readdir(folder), ["a.bin"]);
  assert.equal(await readFile(path, "utf8"), "hello world");
});

test("abort leaves nothing, however often", async () => {
  const file = await createAtomicFile(join(folder, "a.bin"));
  await file.write(Buffer.from("x"), 0);
  await file.abort();
  await file.abort();
  assert.deepEqual(await readdir(folder), []);
});

test("a file of another length than promised does not get its name", async () => {
  const file = await createAtomicFile(join(folder, "a.bin"));
  await file.write(Buffer.from("four"), 0);
  const { code, kind, text } = await refusal(file.commit(5));
  assert.deepEqual([code, kind], ["written-length", "verification"]);
  assert.match(text, /found 4 bytes; expected 5 bytes/);
  assert.deepEqual(await readdir(folder), []);
});

test("an existing file is refused, and replaced only when told so", async () => {
  const path = join(folder, "a.bin");
  await writeFile(path, "old");
  const { code, kind } = await refusal(writeFileAtomically(path, Buffer.from("new")));
  assert.deepEqual([code, kind], ["output-exists", "usage"]);
  assert.equal(await readFile(path, "utf8"), "old");
  await writeFileAtomically(path, Buffer.from("new"), { overwrite: true });
  assert.equal(await readFile(path, "utf8"), "new");
});

test("a file that appears while we write is not replaced", async () => {
  const path = join(folder, "a.bin");
  const file = await createAtomicFile(path);
  await file.write(Buffer.from("ours"), 0);
  await writeFile(path, "theirs");
  assert.equal((await refusal(file.commit(4))).code, "output-exists");
  assert.equal(await readFile(path, "utf8"), "theirs");
  assert.deepEqual(await readdir(folder), ["a.bin"]);
});

test("the source is never replaced, also under another of its names", async () => {
  const source = join(folder, "raw.tif");
  const alias = join(folder, "alias.tif");
  await writeFile(source, "raw");
  await link(source, alias);
  const attempt = createAtomicFile(alias, { overwrite: true, sources: [source] });
  assert.equal((await refusal(attempt)).code, "output-is-source");
});

test("a folder under the name, a missing folder and a too long name are each told apart", async () => {
  await mkdir(join(folder, "taken"));
  const codes = await Promise.all(
    ["taken", "missing/a.bin", "x".repeat(300)].map(
      async (name) => (await refusal(createAtomicFile(join(folder, name), { overwrite: true }))).code,
    ),
  );
  assert.deepEqual(codes, ["output-is-folder", "output-folder-missing", "name-too-long"]);
});

test("a folder without permission to write is told as such", async (context) => {
  if (process.getuid?.() === 0) return context.skip("root may write everywhere");
  await chmod(folder, 0o500);
  const { code, text } = await refusal(createAtomicFile(join(folder, "a.bin")));
  assert.equal(code, "write-denied");
  assert.match(text, /right to write/);
});

test("a disk with too little room is told before the first byte", async () => {
  const { code, text } = await refusal(createAtomicFile(join(folder, "a.bin"), { expectedBytes: 2 ** 52 }));
  assert.equal(code, "disk-full");
  assert.match(text, /expected at least 4503599627\.4 MB/);
  assert.deepEqual(await readdir(folder), []);
});

test("a disk that fills up in mid-write leaves nothing and says so", async (context) => {
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=256k", "tmpfs", folder], { stdio: "ignore" });
  } catch {
    return context.skip("mounting a small disk needs root");
  }
  try {
    const file = await createAtomicFile(join(folder, "a.bin"));
    const { code, text } = await refusal(file.write(Buffer.alloc(2 ** 20), 0));
    await file.abort();
    assert.equal(code, "disk-full");
    assert.match(text, /the disk is full \(found ENOSPC\)\. Free some space/);
    assert.deepEqual(await readdir(folder), []);
  } finally {
    execFileSync("umount", [folder]);
  }
});

test("a file has the mode and group that were asked for before it has its name", async () => {
  const path = join(folder, "a.bin");
  const gid = process.getuid?.() === 0 ? 12_345 : (process.getgid?.() ?? 0);
  const file = await createAtomicFile(path, { access: { mode: 0o664, gid } });
  assert.equal(file.accessProblem, undefined);
  const facts = await stat(file.temporaryPath);
  assert.deepEqual([facts.mode & 0o777, facts.gid], [0o664, gid]);
  await file.commit(0);
  assert.deepEqual([(await stat(path)).mode & 0o777, (await stat(path)).gid], [0o664, gid]);
});

test("a group that may not be given is told, and the file is written all the same", async () => {
  for (const open of [root, folder]) await chmod(open, 0o777);
  const path = join(folder, "a.bin");
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) process.seteuid?.(65_534);
  try {
    const file = await createAtomicFile(path, { access: { mode: 0o640, gid: 12_345 } });
    assert.match(
      file.accessProblem ?? "",
      /^the system refused to give the result the group 12345 \(EPERM\): /,
    );
    await file.commit(0);
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
  assert.equal((await stat(path)).mode & 0o777, 0o640);
});
