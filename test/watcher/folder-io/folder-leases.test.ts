import assert from "node:assert/strict";
import { chmod, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { createFolderLeases } from "../../../watcher/folder-io/folder-leases.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { withoutRoot } from "../without-root.ts";
import { holderOf } from "./quick-folder.ts";

test("a watch folder that may only be read is guarded by its results, and it is told where those take no lease either", async (t) => {
  const root = await temporaryFolder();
  await chmod(root, 0o755);
  const [path, output, closed] = ["in", "out", "closed"].map((name) => join(root, name)) as [
    string,
    string,
    string,
  ];
  for (const [folder, mode] of [
    [path, 0o555],
    [output, 0o777],
    [closed, 0o555],
  ] as const) {
    await mkdir(folder);
    await chmod(folder, mode);
  }
  withoutRoot(t);
  const first = createFolderLeases({ path, output }, holderOf("one"));
  assert.equal(await first.hold(true), undefined);
  const second = createFolderLeases({ path, output }, holderOf("two"));
  await assert.rejects(second.hold(true), { code: "folder-leased" });
  const elsewhere = createFolderLeases({ path, output: closed }, holderOf("three"));
  assert.match(
    (await elsewhere.hold(true)) ?? "",
    /^two workstations on this folder cannot be noticed, .* \(EACCES\)$/,
  );
  await first.release();
  assert.equal(await second.hold(true), undefined);
});
