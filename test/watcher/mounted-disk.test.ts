import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { withoutOwnMounts } from "../own-mounts.ts";
import { namesIn } from "./names-in.ts";
import { withoutMosquitto } from "./publish/brokers.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { tinyTiff } from "./tiny-tiff.ts";
import { until } from "./until.ts";
import { watchWithDisk } from "./watch-with-disk.ts";

test("a disk of results that is gone or read-only holds the folder of a real daemon", {
  skip: withoutOwnMounts("/mnt") || withoutMosquitto,
}, async (t) => {
  const folder = await temporaryFolder();
  const disk = join(folder, "disk");
  const daemon = await watchWithDisk(t, folder, "64m", { output: "disk/denoised" });
  await until("it is watched", () => daemon.folderState()?.["state"] === "watching", 60_000);

  daemon.inside("mount", "-o", "remount,ro", disk);
  await writeFile(join(folder, "incoming", "a.tif"), tinyTiff(1));
  await until("the folder is held", () => daemon.folderState()?.["state"] === "error");
  assert.match(String(daemon.folderState()?.["reason"]), /mounted read-only/);
  assert.match(String(daemon.folderState()?.["remedy"]), /goes on by itself/);
  await until("the daemon is degraded", () => daemon.daemonState()?.["state"] === "degraded");
  await until("the job waits", () => daemon.statuses("a.tif").at(-1) === "queued");
  daemon.inside("mount", "-o", "remount,rw", disk);
  await until("the job is done", () => daemon.statuses("a.tif").at(-1) === "done");

  daemon.inside("umount", disk);
  await writeFile(join(folder, "incoming", "b.tif"), tinyTiff(2));
  await until("the job waits", () => daemon.statuses("b.tif").at(-1) === "queued");
  await until("the folder says why", () =>
    /not to be mounted/.test(String(daemon.folderState()?.["reason"])),
  );
  daemon.inside("mount", "-t", "tmpfs", "none", disk);
  await until("the job is done", () => daemon.statuses("b.tif").at(-1) === "done");
  assert.deepEqual(await namesIn(disk), [], "something was written below the mount point");
  await daemon.stop();
});

test("a disk for finished sources that is gone before the first one was moved keeps them, whatever lies below its mount point", {
  skip: withoutOwnMounts("/mnt") || withoutMosquitto,
}, async (t) => {
  const folder = await temporaryFolder();
  const disk = join(folder, "disk");
  await mkdir(disk);
  const below = join(disk, "written while the disk was away");
  await writeFile(below, "");
  const daemon = await watchWithDisk(t, folder, "64m", { moveTo: "disk" });
  await until("it is watched", () => daemon.folderState()?.["state"] === "watching", 60_000);
  daemon.inside("umount", disk);
  await writeFile(join(folder, "incoming", "a.tif"), tinyTiff(1));
  await until("the job is done", () => daemon.statuses("a.tif").at(-1) === "done");
  await until("the source is kept", () => /"count":1/.test(JSON.stringify(daemon.folderState()?.["kept"])));
  assert.match(JSON.stringify(daemon.folderState()?.["kept"]), /not to be mounted/);
  assert.deepEqual(await namesIn(disk), ["written while the disk was away"]);
  assert.deepEqual(await namesIn(join(folder, "incoming")), ["a.tif"]);
  await daemon.stop();
});
