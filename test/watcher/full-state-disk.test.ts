import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { withoutOwnMounts } from "../own-mounts.ts";
import { withoutMosquitto } from "./publish/brokers.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { tinyTiff } from "./tiny-tiff.ts";
import { until } from "./until.ts";
import { watchWithDisk } from "./watch-with-disk.ts";

test("a full disk of the state folder is the daemon's trouble, not its folder's, and what came meanwhile is done after it", {
  skip: withoutOwnMounts("/mnt") || withoutMosquitto,
}, async (t) => {
  const folder = await temporaryFolder();
  const daemon = await watchWithDisk(t, folder, "1m", { state: "disk/state" });
  await until("it is watched", () => daemon.folderState()?.["state"] === "watching", 60_000);
  await until("all is well", () => daemon.daemonState()?.["state"] === "online");

  const filler = join(folder, "disk", "filler");
  daemon.inside("sh", "-c", `cat /dev/zero > ${filler} || true`);
  await writeFile(join(folder, "incoming", "a.tif"), tinyTiff(1));
  await until("the daemon is degraded", () => daemon.daemonState()?.["state"] === "degraded");
  assert.match(String(daemon.daemonState()?.["reason"]), /the disk of the ledger is full/);
  assert.match(String(daemon.daemonState()?.["remedy"]), /state folder.* goes on by itself/);
  await writeFile(join(folder, "incoming", "b.tif"), tinyTiff(2));
  assert.equal(daemon.folderState()?.["state"], "watching");

  daemon.inside("rm", filler);
  await until("both are done", () =>
    ["a.tif", "b.tif"].every((source) => daemon.statuses(source).includes("done")),
  );
  await until("all is well again", () => daemon.daemonState()?.["state"] === "online");
  assert.equal(daemon.output().match(/the disk of the ledger is full/g)?.length, 1, daemon.output());
  await daemon.stop();
});
