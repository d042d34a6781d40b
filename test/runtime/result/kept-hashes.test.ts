import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { createKeptHashes } from "../../../runtime/result/source-hash.ts";

const { signal } = new AbortController();
const sha256 = (text: string | Buffer): string => createHash("sha256").update(text).digest("hex");

async function twoFiles(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), "cnnt-edge-kept-"));
  t.after(() => rm(folder, { recursive: true }));
  const files = [join(folder, "a.tif"), join(folder, "b.tif")] as const;
  for (const file of files) await writeFile(file, file);
  const read: string[] = [];
  const hash = createKeptHashes(async (asked) => {
    read.push(...asked);
    return Promise.all(asked.map(async (file) => sha256(await readFile(file))));
  });
  return { files, hash, read };
}

test("160 jobs of one source read its files once, and each gets their hashes in its own order", async (t) => {
  const { files, hash, read } = await twoFiles(t);
  for (let job = 0; job < 160; job += 1) {
    const asked = job % 2 === 0 ? files : files.toReversed();
    assert.deepEqual(await hash(asked, signal), asked.map(sha256));
  }
  assert.deepEqual(read.toSorted(), files);
});

test("a file that was written to is read again, also with its size and time of change kept, and no other", async (t) => {
  const { files, hash, read } = await twoFiles(t);
  const [a, b] = files;
  await utimes(b, 1000, 1000);
  await hash(files, signal);
  // Longer than the steps of the clock that files get their times from.
  await new Promise((resolve) => setTimeout(resolve, 30));
  const other = b.replaceAll("b", "c");
  await writeFile(b, other);
  await utimes(b, 1000, 1000);
  assert.deepEqual(await hash(files, signal), [sha256(a), sha256(other)]);
  assert.deepEqual(read.slice(2), [b]);
});

test("a hash of a file that was written to while it was read is not kept", async (t) => {
  const { files } = await twoFiles(t);
  const [a] = files;
  let reads = 0;
  const hash = createKeptHashes(async () => {
    reads += 1;
    if (reads === 1) await writeFile(a, "other bytes");
    return [`hash ${reads}`];
  });
  assert.deepEqual(await hash([a], signal), ["hash 1"]);
  assert.deepEqual(await hash([a], signal), ["hash 2"]);
  assert.deepEqual(await hash([a], signal), ["hash 2"]);
});
