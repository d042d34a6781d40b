import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { copyingEngine } from "./copying-engine.ts";
import { type RunningDaemon, repository, runDaemon } from "./running-daemon.ts";
import { tinyTiff } from "./tiny-tiff.ts";
import { until } from "./until.ts";

/**
 * A daemon with a watch folder on a disk of FUSE and another one on a local disk, below the folder that is given, and what the
 * first disk can do to it. Runs in a mount namespace of its own, and ends with an error where something is otherwise than it should be.
 */
const [root = ""] = process.argv.slice(2);
const backing = join(root, "backing");
const disk = join(root, "disk");
const local = join(root, "local");
const other = join(root, "other");
// A folder of that name lies below the mount point too.
for (const folder of [join(backing, "incoming"), join(disk, "incoming"), local, other])
  await mkdir(folder, { recursive: true });

const ends: (() => unknown)[] = [];
const t = { after: (end: () => unknown) => void ends.push(end) } as unknown as TestContext;

async function mountDisk(): Promise<ChildProcess> {
  const program = join(import.meta.dirname, "fuse-server.ts");
  const loader = ["--import", import.meta.resolve("tsx")];
  const server = spawn(process.execPath, [...loader, program, backing, disk], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  process.once("exit", () => server.kill("SIGKILL"));
  await Promise.race([
    once(server.stdout, "data"),
    once(server, "exit").then(() => assert.fail("the disk could not be mounted")),
  ]);
  return server;
}

async function lose(server: ChildProcess): Promise<void> {
  server.kill("SIGKILL");
  await once(server, "exit");
}

const model = join(repository, "models/identity");
const folders = [
  { name: "share", path: "disk/incoming", output: "denoised-share", model },
  { name: "local", path: "local", output: "denoised-local", model },
];
let files = 0;
const engine = copyingEngine();
const start = (): Promise<RunningDaemon> => runDaemon(t, root, engine.engine, { folders }, undefined, 1500);
const stateOf = ({ said }: RunningDaemon, name: string) => said(`folder/${name}/state`).at(-1);
const bring = (folder: string, name: string): Promise<void> => {
  files += 1;
  return writeFile(join(folder, name), tinyTiff(files));
};
const isDone = (daemon: RunningDaemon, name: string): Promise<unknown> =>
  until(`${name} is done`, () => daemon.lives(name).at(-1) === "done");
const isUnreachable = (daemon: RunningDaemon, why: RegExp): Promise<unknown> =>
  until(`the share's folder says ${why}`, () => {
    const state = stateOf(daemon, "share");
    return state?.["state"] === "unreachable" && why.test(String(state["reason"]));
  });
const isWatchedAgain = (daemon: RunningDaemon): Promise<unknown> =>
  until("the share's folder is looked at again", () => stateOf(daemon, "share")?.["state"] === "polling");

/** A file comes to each folder while the share is at fault: the local one is done meanwhile, the share's once that is over. */
async function atFault(daemon: RunningDaemon, name: string, why: RegExp): Promise<void> {
  await isUnreachable(daemon, why);
  await bring(join(backing, "incoming"), `share-${name}.tif`);
  await bring(local, `local-${name}.tif`);
  await isDone(daemon, `local-${name}.tif`);
  assert.notEqual(stateOf(daemon, "local")?.["state"], "unreachable");
  assert.equal(stateOf(daemon, "share")?.["state"], "unreachable");
  assert.deepEqual(daemon.lives(`share-${name}.tif`), []);
}

let server = await mountDisk();
await bring(join(backing, "incoming"), "share-first.tif");
let daemon = await start();
await isDone(daemon, "share-first.tif");

server.kill("SIGSTOP");
await atFault(daemon, "hanging", /the folder's disk does not answer \(found no answer for 1\.5 s\)/);
server.kill("SIGCONT");
await isDone(daemon, "share-hanging.tif");
await isWatchedAgain(daemon);

const { dev } = await stat(disk);
await lose(server);
await atFault(daemon, "lost", /cannot be reached \(found ENOTCONN\)/);
execFileSync("umount", ["-l", disk]);
await atFault(daemon, "unmounted", /the disk of the watch folder seems not to be mounted/);
// It takes the device number that is free now.
execFileSync("mount", ["-t", "tmpfs", "none", other]);
server = await mountDisk();
for (const name of ["lost", "unmounted"]) await isDone(daemon, `share-${name}.tif`);
await isWatchedAgain(daemon);
assert.notEqual((await stat(disk)).dev, dev, "the disk came back with the same device number");
await daemon.stop();

const before = daemon;
server.kill("SIGSTOP");
daemon = await start();
await atFault(daemon, "at start", /the folder's disk does not answer/);
server.kill("SIGCONT");
await isDone(daemon, "share-at start.tif");

// Each once, and none was taken for one that has left.
assert.equal(engine.orders.length, files);
for (const { heard } of [before, daemon]) {
  const statuses = heard
    .filter(({ topic }) => /\/job\/\w{16}$/.test(topic))
    .map(({ payload }) => payload["status"]);
  for (const status of ["failed", "parked", "skipped"]) assert.ok(!statuses.includes(status), status);
}
for (const end of ends.reverse()) await end();
await lose(server);
process.exit(0);
