import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { ownMounts, withoutOwnMounts } from "../own-mounts.ts";
import { freePort, listen, startMosquitto, withoutMosquitto } from "./publish/brokers.ts";
import { repository } from "./running-daemon.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { tinyTiff } from "./tiny-tiff.ts";
import { until } from "./until.ts";

/** `watch` where a disk (tmpfs) is mounted at `disk`, and a shell beside it that mounts otherwise. */
async function watchWithDisk(t: TestContext, folder: string, port: number) {
  const disk = join(folder, "disk");
  const program = join(repository, "bin/cnnt-edge.js");
  const config = join(folder, "config.json");
  const script = 'mount -t tmpfs none "$1" && shift && exec "$@"';
  const child: ChildProcess = spawn(
    "unshare",
    [...ownMounts, "sh", "-c", script, "sh", disk, process.execPath, program, "watch", "--config", config],
    { cwd: folder, stdio: "ignore" },
  );
  t.after(() => child.kill("SIGKILL"));
  const { client, heard } = await listen(port);
  t.after(() => client.endAsync(true));
  return {
    heard,
    inside: (...command: string[]): void => {
      const enter = ["-t", String(child.pid), "-U", "-m", "--preserve-credentials", ...command];
      execFileSync("nsenter", enter, { stdio: "ignore" });
    },
    folderState: () => heard.findLast(({ topic }) => topic.endsWith("/folder/f/state"))?.payload,
    daemonState: () => heard.findLast(({ topic }) => topic.endsWith("/t/state"))?.payload["state"],
    status: (source: string) =>
      heard.findLast(({ topic, payload }) => /\/job\/\w{16}$/.test(topic) && payload["source"] === source)
        ?.payload["status"],
    stop: async () => {
      child.kill("SIGTERM");
      await once(child, "exit");
    },
  };
}

test("a disk of results that is gone or read-only holds the folder of a real daemon", {
  skip: withoutOwnMounts("/mnt") || withoutMosquitto,
}, async (t) => {
  const folder = await temporaryFolder();
  await Promise.all([mkdir(join(folder, "incoming")), mkdir(join(folder, "disk"))]);
  const port = await freePort();
  const broker = await startMosquitto(folder, port);
  t.after(() => broker.kill());
  await writeFile(
    join(folder, "config.json"),
    JSON.stringify({
      instance: "t",
      folders: [
        { name: "f", path: "incoming", output: "disk/denoised", model: join(repository, "models/identity") },
      ],
      settle: { quiet_s: 0.3, looks: 2, sweep_s: 0.3 },
      engine: { require: "cpu" },
      jobs: { reserve_mib: 0, attempts: 1 },
      mqtt: { url: `mqtt://127.0.0.1:${port}` },
    }),
  );
  const disk = join(folder, "disk");
  const daemon = await watchWithDisk(t, folder, port);
  await until("it is watched", () => daemon.folderState()?.["state"] === "watching", 60_000);

  daemon.inside("mount", "-o", "remount,ro", disk);
  await writeFile(join(folder, "incoming", "a.tif"), tinyTiff(1));
  await until("the folder is held", () => daemon.folderState()?.["state"] === "error");
  assert.match(String(daemon.folderState()?.["reason"]), /mounted read-only/);
  assert.match(String(daemon.folderState()?.["remedy"]), /goes on by itself/);
  await until("the daemon is degraded", () => daemon.daemonState() === "degraded");
  await until("the job waits", () => daemon.status("a.tif") === "queued");
  daemon.inside("mount", "-o", "remount,rw", disk);
  await until("the job is done", () => daemon.status("a.tif") === "done");

  daemon.inside("umount", disk);
  await writeFile(join(folder, "incoming", "b.tif"), tinyTiff(2));
  await until("the job waits", () => daemon.status("b.tif") === "queued");
  await until("the folder says why", () =>
    /not to be mounted/.test(String(daemon.folderState()?.["reason"])),
  );
  daemon.inside("mount", "-t", "tmpfs", "none", disk);
  await until("the job is done", () => daemon.status("b.tif") === "done");
  assert.deepEqual(await readdir(disk), [], "something was written below the mount point");
  await daemon.stop();
});
