import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { z } from "zod";
import { jobSchema } from "../../core/job-messages.ts";
import { stateSchema } from "../../core/messages.ts";
import { freePort, reader, startMosquitto } from "../watcher/publish/brokers.ts";
import { repository } from "../watcher/running-daemon.ts";
import { until } from "../watcher/until.ts";

type Job = z.infer<typeof jobSchema>;
type State = z.infer<typeof stateSchema>;
interface Arrival<Body> {
  readonly atMs: number;
  readonly body: Body;
}

/** The real daemon with a real Mosquitto, and all that a subscriber heard of its state and its jobs. */
export interface WatchedDaemon {
  /** Messages of the topic `state`, as they arrived (milliseconds of `performance.now`). */
  readonly states: readonly Arrival<State>[];
  /** Each step of the jobs of a source, oldest first; progress left out. */
  readonly steps: (source: string) => readonly Job[];
  /** The daemon's log and what it printed. */
  readonly output: () => string;
  /** The engine's process, once there is one. */
  readonly enginePid: () => Promise<number>;
  /** Puts a file into the watched folder, whole. */
  readonly land: (file: string, name: string) => Promise<void>;
  /** Waits for the end of a source's job. */
  readonly ended: (source: string, timeoutMs: number) => Promise<Job>;
  readonly resultOf: (job: Job) => string;
  readonly stop: () => Promise<number | null>;
}

const longMs = 120_000;
const base = "cnnt-edge/losses";

export async function startWatchedDaemon(folder: string, env: NodeJS.ProcessEnv): Promise<WatchedDaemon> {
  const [incoming, denoised] = [join(folder, "incoming"), join(folder, "denoised")];
  await mkdir(incoming);
  const port = await freePort();
  const broker = await startMosquitto(folder, port);
  const states: Arrival<State>[] = [];
  const jobs: Job[] = [];
  const client = await reader(port);
  client.on("message", (topic, payload) => {
    const body: unknown = JSON.parse(payload.toString());
    if (topic === `${base}/state`) {
      states.push({ atMs: performance.now(), body: stateSchema.parse(body) });
    } else if (/\/job\/[0-9a-f]{16}$/.test(topic)) jobs.push(jobSchema.parse(body));
  });
  await client.subscribeAsync(`${base}/#`, { qos: 1 });

  const config = join(folder, "config.yaml");
  const written = {
    instance: "losses",
    folders: [{ name: "f", path: incoming, output: denoised, model: join(repository, "models/default") }],
    settle: { quiet_s: 0.5, looks: 2, sweep_s: 0.5 },
    jobs: { reserve_mib: 0 },
    mqtt: { url: `mqtt://127.0.0.1:${port}` },
    state: join(folder, "state"),
  };
  await writeFile(config, JSON.stringify(written));
  const program = join(repository, "bin/cnnt-edge.js");
  const child = spawn(process.execPath, [program, "watch", "--config", config, "--provider", "cpu"], {
    cwd: folder,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  // Also where the script ends in an error; the engine follows its daemon.
  process.on("exit", () => {
    child.kill("SIGKILL");
    broker.kill();
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  await until("the engine is warm", () => output.includes("Provider: cpu"), longMs);

  const steps = (source: string): Job[] =>
    jobs.filter((job) => job.source === source && job.stage === undefined);
  return {
    states,
    steps,
    output: () => output,
    enginePid: () => until("there is an engine", () => engineBelow(child), longMs),
    async land(file, name) {
      const hidden = join(incoming, `.${name}.tmp`);
      await writeFile(hidden, readFileSync(file));
      await rename(hidden, join(incoming, name));
    },
    ended: (source, timeoutMs) =>
      until(
        `the job of ${source} has ended`,
        () => steps(source).find(({ status }) => ["done", "failed", "parked", "skipped"].includes(status)),
        timeoutMs,
      ),
    resultOf: (job) => join(denoised, job.output ?? ""),
    async stop() {
      child.kill("SIGTERM");
      if (child.exitCode === null) await once(child, "exit");
      await client.endAsync(true);
      broker.kill();
      return child.exitCode;
    },
  };
}

/** The child of the daemon that runs the engine's program; its provider was chosen in others before. */
function engineBelow({ pid = 0 }: ChildProcess): number | undefined {
  return readdirSync(`/proc/${pid}/task`)
    .flatMap((task) => readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").trim().split(" "))
    .map(Number)
    .find((child) => child > 0 && commandOf(child).includes("runtime/engine/child.ts"));
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}
