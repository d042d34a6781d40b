import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { ownMounts } from "../own-mounts.ts";
import { freePort, listen, startMosquitto } from "./publish/brokers.ts";
import { repository } from "./running-daemon.ts";

export interface WatchWithDisk {
  /** Runs a command where the disk is mounted. */
  readonly inside: (...command: string[]) => void;
  readonly folderState: () => Record<string, unknown> | undefined;
  readonly daemonState: () => Record<string, unknown> | undefined;
  /** Of all jobs of a source, oldest first. */
  readonly statuses: (source: string) => unknown[];
  /** What it wrote to its terminal. */
  readonly output: () => string;
  readonly stop: () => Promise<void>;
}

/**
 * A real `watch` of `incoming` below `folder`, in a mount namespace of its own where a disk (tmpfs) of `size` is mounted at
 * `disk`. `paths`: which of its folders lie elsewhere than usual.
 */
export async function watchWithDisk(
  t: TestContext,
  folder: string,
  size: string,
  paths: { readonly output?: string; readonly state?: string; readonly moveTo?: string },
): Promise<WatchWithDisk> {
  const disk = join(folder, "disk");
  await Promise.all([mkdir(join(folder, "incoming")), mkdir(disk, { recursive: true })]);
  const port = await freePort();
  const broker = await startMosquitto(folder, port);
  t.after(() => broker.kill());
  const { output = "denoised", state = "state", moveTo } = paths;
  const after = moveTo === undefined ? {} : { after: { move: moveTo } };
  const config = join(folder, "config.json");
  await writeFile(
    config,
    JSON.stringify({
      instance: "t",
      state,
      folders: [
        { name: "f", path: "incoming", output, model: join(repository, "models/identity"), ...after },
      ],
      settle: { quiet_s: 0.3, looks: 2, sweep_s: 0.3 },
      engine: { require: "cpu" },
      jobs: { reserve_mib: 0, attempts: 1 },
      mqtt: { url: `mqtt://127.0.0.1:${port}` },
    }),
  );
  const program = join(repository, "bin/cnnt-edge.js");
  const script = 'mount -t tmpfs -o size="$2" none "$1" && shift 2 && exec "$@"';
  const watch = [process.execPath, program, "watch", "--config", config];
  const child: ChildProcess = spawn(
    "unshare",
    [...ownMounts, "sh", "-c", script, "sh", disk, size, ...watch],
    {
      cwd: folder,
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  t.after(() => child.kill("SIGKILL"));
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on("data", (chunk) => {
      text += chunk;
    });
  }
  const { client, heard } = await listen(port);
  t.after(() => client.endAsync(true));
  const lastOf = (topic: string) => heard.findLast((one) => one.topic === `cnnt-edge/t/${topic}`)?.payload;
  return {
    inside: (...command) => {
      const enter = ["-t", String(child.pid), "-U", "-m", "--preserve-credentials", ...command];
      execFileSync("nsenter", enter, { stdio: "ignore" });
    },
    folderState: () => lastOf("folder/f/state"),
    daemonState: () => lastOf("state"),
    statuses: (source) =>
      heard
        .filter(({ topic, payload }) => /\/job\/\w{16}$/.test(topic) && payload["source"] === source)
        .map(({ payload }) => payload["status"]),
    output: () => text,
    stop: async () => {
      child.kill("SIGTERM");
      await once(child, "exit");
    },
  };
}
