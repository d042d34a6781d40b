import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { openSync, readdirSync, readFileSync } from "node:fs";
import { cp, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort, startMosquitto, withoutMosquitto } from "../watcher/publish/brokers.ts";
import { repository } from "../watcher/running-daemon.ts";

/** The processes of a daemon that are killed, by what their command lines hold. */
export const victims = {
  daemon: "bin/cnnt-edge.js\0watch",
  engine: "runtime/engine/child.ts",
  "folder process": "folder-io/child.ts",
} as const;
export type Victim = keyof typeof victims;

/** One facility on a disk: watch folders, configuration, a daemon, perhaps a broker and a share. */
export interface Rig {
  readonly folder: string;
  readonly state: string;
  readonly watchFolders: readonly string[];
  /** Where a writer finds a watch folder: its own disk, also while the daemon's way to it is gone. */
  readonly writersFolder: (name: string) => string;
  readonly start: () => void;
  /** Asks the daemon to end; its exit code. */
  readonly stop: () => Promise<number | null>;
  /** Kills a process with SIGKILL; false where there is none of the kind. A daemon is started again. */
  readonly kill: (victim: Victim, pick: (count: number) => number) => boolean;
  /** `queue retry` of all parked jobs, at the shell. */
  readonly retryParked: () => void;
  readonly retried: () => number;
  /** Of the daemon ends that nobody asked for. */
  readonly unexpectedEnds: readonly string[];
  readonly hasBroker: boolean;
  readonly stopBroker: () => Promise<void>;
  readonly startBroker: () => Promise<void>;
  readonly hasShare: boolean;
  readonly unmountShare: () => void;
  /** `elsewhere`: from a disk with another device number, to which the share's files have gone once nobody writes to them. */
  readonly mountShare: (elsewhere: boolean) => Promise<void>;
  /** Writes into a watch folder; the files of a share do not go elsewhere meanwhile. */
  readonly write: (name: string, act: () => Promise<void>) => Promise<void>;
  /** Processes of this rig that live, by command line. */
  readonly processes: () => readonly string[];
  /** Takes the broker and the disks away. */
  readonly close: () => Promise<void>;
}

export interface RigOptions {
  /** A Mosquitto that may go away, where one is installed; else the daemon's own broker. */
  readonly hasBroker: boolean;
  /** Whether the folder `share` lies on a disk that may go away. Needs a mount namespace of this process. */
  readonly hasShare: boolean;
  readonly settle: Readonly<Record<string, number>>;
}

const watchFolders = ["local", "moved", "share"] as const;
const program = join(repository, "bin/cnnt-edge.js");
const marker = "CNNT_EDGE_SOAK";

export async function makeRig(folder: string, options: RigOptions): Promise<Rig> {
  const { hasShare, settle } = options;
  const state = join(folder, "state");
  for (const name of watchFolders) {
    for (const side of ["in", "out"]) await mkdir(join(folder, side, name), { recursive: true });
  }
  await mkdir(join(folder, "taken"));
  const hasBroker = options.hasBroker && withoutMosquitto === false;
  const port = hasBroker ? await freePort() : 0;
  const folders = watchFolders.map((name) => ({
    name,
    path: `in/${name}`,
    output: `out/${name}`,
    model: join(repository, "models/identity"),
    ...(name === "moved" ? { after: { move: "taken" } } : {}),
  }));
  const mqtt = hasBroker ? { url: `mqtt://127.0.0.1:${port}` } : { port: 0 };
  const config = { instance: "soak", folders, settle, jobs: { reserve_mib: 0 }, state: "state", mqtt };
  await writeFile(join(folder, "config.yaml"), JSON.stringify(config));

  const disks: string[] = [];
  if (hasShare) {
    for (const name of ["disk-a", "disk-b"]) {
      const disk = join(folder, name);
      await mkdir(disk);
      mount("-t", "tmpfs", "none", disk);
      disks.push(disk);
    }
    mount("--bind", disks[0] ?? "", join(folder, "in", "share"));
  }

  /** Writers of the share, and its files on their way to another disk. */
  const atWork = new Set<Promise<void>>();
  let going: Promise<void> = Promise.resolve();
  let retried = 0;
  let daemon: ChildProcess | undefined;
  let isWanted = false;
  const unexpectedEnds: string[] = [];
  const killed = new Set<number>();
  const start = (): void => {
    isWanted = true;
    const log = openSync(join(folder, "daemon.log"), "a");
    const child = spawn(
      process.execPath,
      [program, "watch", "--config", "config.yaml", "--provider", "cpu"],
      { cwd: folder, stdio: ["ignore", log, log], env: { ...process.env, [marker]: folder } },
    );
    daemon = child;
    child.once("exit", (code, signal) => {
      if (!isWanted) return;
      if (!killed.has(child.pid ?? 0)) unexpectedEnds.push(`the daemon ended with ${signal ?? code}`);
      start();
    });
  };

  let broker: ChildProcess | undefined;
  const startBroker = async (): Promise<void> => {
    broker = await startMosquitto(folder, port);
  };
  const stopBroker = async (): Promise<void> => {
    if (broker === undefined || broker.exitCode !== null || broker.signalCode !== null) return;
    broker.kill("SIGKILL");
    await once(broker, "exit");
  };
  if (hasBroker) await startBroker();
  process.once("exit", () => {
    isWanted = false;
    broker?.kill("SIGKILL");
    daemon?.kill("SIGKILL");
  });

  return {
    folder,
    state,
    watchFolders,
    writersFolder: (name) =>
      name === "share" && disks[0] !== undefined ? disks[0] : join(folder, "in", name),
    start,
    async stop() {
      isWanted = false;
      if (daemon === undefined) return null;
      daemon.kill("SIGTERM");
      if (daemon.exitCode === null && daemon.signalCode === null) await once(daemon, "exit");
      return daemon.exitCode;
    },
    kill(victim, pick) {
      const found = ownProcesses(folder).filter(({ command }) => command.includes(victims[victim]));
      const chosen = found[pick(Math.max(found.length, 1))];
      if (chosen === undefined) return false;
      killed.add(chosen.pid);
      process.kill(chosen.pid, "SIGKILL");
      return true;
    },
    retryParked() {
      const args = ["queue", "retry", "--state", state, "--status", "parked"];
      const { stdout } = spawnSync(process.execPath, [program, ...args], { encoding: "utf8" });
      retried += stdout.split("\n").filter((line) => line !== "").length;
    },
    retried: () => retried,
    unexpectedEnds,
    hasBroker,
    stopBroker,
    startBroker,
    hasShare,
    unmountShare: () => run("umount", "-l", join(folder, "in", "share")),
    async mountShare(elsewhere) {
      if (elsewhere) {
        going = (async () => {
          await Promise.all(atWork);
          const [from = "", to = ""] = disks;
          await cp(from, to, { recursive: true, preserveTimestamps: true });
          disks.reverse();
        })();
        await going;
      }
      mount("--bind", disks[0] ?? "", join(folder, "in", "share"));
    },
    async write(name, act) {
      if (name !== "share") return act();
      await going;
      const work = act();
      atWork.add(work);
      await work.finally(() => atWork.delete(work));
    },
    processes: () => ownProcesses(folder).map(({ command }) => command.replaceAll("\0", " ").trim()),
    async close() {
      await stopBroker();
      if (hasShare) for (const disk of [join(folder, "in", "share"), ...disks]) run("umount", "-l", disk);
    },
  };
}

function mount(...args: readonly string[]): void {
  run("mount", ...args);
}

function run(program: string, ...args: readonly string[]): void {
  const { status, stderr } = spawnSync(program, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${program} ${args.join(" ")}: ${stderr}`);
}

function ownProcesses(folder: string): { readonly pid: number; readonly command: string }[] {
  return readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const environment = readFileSync(`/proc/${name}/environ`, "utf8");
      if (!environment.includes(`${marker}=${folder}\0`)) return [];
      const command = readFileSync(`/proc/${name}/cmdline`, "utf8");
      // A dead process that nobody has asked for its exit code has no command line.
      return command === "" ? [] : [{ pid: Number(name), command }];
    } catch {
      return [];
    }
  });
}

/** Waits until no process of the rig lives, at most so long; what still lives. */
export async function lastProcesses(rig: Rig, mostMs: number): Promise<readonly string[]> {
  const endMs = performance.now() + mostMs;
  while (rig.processes().length > 0 && performance.now() < endMs) await sleep(200);
  return rig.processes();
}
