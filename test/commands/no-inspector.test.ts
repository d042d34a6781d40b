import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, readlinkSync, realpathSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { asShipped } from "../as-shipped.ts";
import { repository } from "../watcher/running-daemon.ts";
import { temporaryFolder } from "../watcher/temporary-folder.ts";
import { tinyTiff } from "../watcher/tiny-tiff.ts";
import { until } from "../watcher/until.ts";

/** Inodes of the sockets on which a process listens. */
function listeners(pid: number): string[] {
  const own = new Set(
    readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? [];
      } catch {
        return [];
      }
    }),
  );
  const listening = "0A";
  return readFileSync("/proc/net/tcp", "utf8")
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .flatMap(([, , , state, , , , , , inode = ""]) => (state === listening && own.has(inode) ? inode : []));
}

/** Those of Node: tsx has a compiler beside it. */
const childrenOf = (pid: number): number[] =>
  spawnSync("pgrep", ["-P", String(pid)], { encoding: "utf8" })
    .stdout.split("\n")
    .filter((line) => line !== "")
    .map(Number)
    .filter((child) => readlinkSync(`/proc/${child}/exe`) === realpathSync(process.execPath));

test("a signal that would open Node's debugging port opens none, neither in the daemon nor in its children, and all go on", {
  skip: !existsSync("/proc/net/tcp") && "needs Linux",
}, async (t) => {
  const folder = await temporaryFolder();
  await mkdir(join(folder, "incoming"));
  const program = join(repository, "bin/cnnt-edge.js");
  const model = join(repository, "models/identity");
  const args = [program, "watch", "--provider", "cpu", "--model", model, "--mqtt-port", "0"];
  const child = spawn(process.execPath, args, {
    cwd: folder,
    env: asShipped(),
    stdio: ["ignore", "pipe", "pipe"],
  });
  t.after(() => child.kill("SIGKILL"));
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk) => {
      output += chunk;
    });
  }
  await until("it is warm", () => output.includes("Provider: cpu"));
  const daemon = child.pid ?? assert.fail();
  const children = childrenOf(daemon);
  assert.equal(children.length, 2, "the engine and the folder's process");
  const all = [daemon, ...children];
  const before = all.map(listeners);
  // One after the other: they would all want the same port.
  for (const pid of all) {
    execFileSync("kill", ["-USR1", String(pid)]);
    await sleep(300);
  }
  assert.deepEqual(all.map(listeners), before);
  assert.doesNotMatch(output, /debugger|inspector/i);
  await writeFile(join(folder, "incoming", "a.tif"), tinyTiff(1));
  await until("the job is done", () => existsSync(join(folder, "denoised", "a.denoised.ome.tif")));
  assert.deepEqual(childrenOf(daemon), children);
  child.kill("SIGTERM");
  await once(child, "exit");
});
