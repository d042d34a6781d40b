import assert from "node:assert/strict";
import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { isEdgeError } from "../../../core/errors.ts";
import { parseConfig } from "../../../watcher/config/load.ts";
import { resolveConfig } from "../../../watcher/config/resolve.ts";
import { folderMode, resultAccess } from "../../../watcher/folder-io/result-folder.ts";
import { copyingEngine } from "../copying-engine.ts";
import { repository, runDaemon } from "../running-daemon.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { tinyTiff } from "../tiny-tiff.ts";
import { until } from "../until.ts";

function access(options: Record<string, unknown>) {
  const written = { folders: [{ name: "f", path: "in", output: "out", ...options }] };
  const [folder] = resolveConfig(parseConfig(JSON.stringify(written), "test"), "/lab", repository).folders;
  assert.ok(folder !== undefined);
  return resultAccess(folder);
}

test("a group is found by its name as the system knows it, or taken by its number", async () => {
  const [name, , gid] = (await readFile("/etc/group", "utf8")).split("\n")[1]?.split(":") ?? [];
  assert.deepEqual(await access({ group: name, mode: "0660" }), { mode: 0o660, gid: Number(gid) });
  assert.deepEqual(await access({ group: 4242 }), { gid: 4242 });
  assert.deepEqual(await access({ group: "4242" }), { gid: 4242 });
  assert.deepEqual(await access({}), {});
});

test("a group that does not exist is refused with what to do", async () => {
  for (const group of ["no-such-group", "--version"]) {
    await assert.rejects(access({ group }), (error) => {
      assert.ok(isEdgeError(error, "group-unknown"));
      assert.equal(error.kind, "usage");
      assert.match(error.remedy ?? "", /groupadd/);
      return true;
    });
  }
});

test("who may read a file may look into its folder, and nobody else", () => {
  assert.equal(folderMode(0o664), 0o775);
  assert.equal(folderMode(0o640), 0o750);
  assert.equal(folderMode(0o600), 0o700);
});

test("results and the folders made for them have the configured mode and group", async (t) => {
  const root = await temporaryFolder();
  const { engine, orders } = copyingEngine();
  const group = process.getuid?.() === 0 ? 12_345 : (process.getgid?.() ?? 0);
  const model = join(repository, "models/identity");
  await mkdir(join(root, "incoming/plate/well"), { recursive: true });
  await writeFile(join(root, "incoming/plate/well/a.tif"), tinyTiff(1));
  const running = await runDaemon(t, root, engine, {
    folders: [{ name: "f", path: "incoming", output: "denoised", model, mode: "0664", group }],
  });
  await until("the job is done", () => running.lives("plate/well/a.tif").includes("done"));
  assert.deepEqual(orders[0]?.access, { mode: 0o664, gid: group });
  for (const made of ["denoised", "denoised/plate", "denoised/plate/well"]) {
    const facts = await stat(join(root, made));
    assert.deepEqual([facts.mode & 0o777, facts.gid], [0o775, group], made);
  }
});
