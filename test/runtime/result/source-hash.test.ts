import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { reportOf } from "../../../core/errors.ts";
import { hashSource, sourceState } from "../../../runtime/result/source-hash.ts";

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

test("a member that is a folder in place of a file is an error of the machine, not of cnnt-edge", async (t) => {
  const folder = await folderWith(t, "a.tif");
  const report = await hashSource([folder], new AbortController().signal).then(() => assert.fail(), reportOf);
  assert.deepEqual([report.kind, report.code], ["machine", "file-open"]);
});
