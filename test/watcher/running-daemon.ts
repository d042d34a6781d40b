import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { describeError } from "../../core/errors.ts";
import { present } from "../../core/record.ts";
import type { Engine } from "../../runtime/job/denoise-job.ts";
import { parseConfig } from "../../watcher/config/load.ts";
import { resolveConfig } from "../../watcher/config/resolve.ts";
import { type Daemon, startDaemon } from "../../watcher/daemon.ts";
import { createDaemonLog } from "../../watcher/events/daemon-log.ts";
import { type Heard, listen } from "./publish/brokers.ts";
import { runIdentity } from "./run-identity.ts";

export const repository = join(import.meta.dirname, "../..");

/** Settles within a second, so that tests do. */
export const quickSettle = { quiet_s: 0.3, looks: 2, zero_tail_s: 600, broken_s: 1, sweep_s: 0.2 };

export interface RunningDaemon {
  readonly daemon: Daemon;
  readonly heard: Heard[];
  readonly port: number;
  /** Payloads of one topic below the base, oldest first. */
  readonly said: (topic: string) => Record<string, unknown>[];
  /** Steps in the lives of all jobs of a source: their statuses. */
  readonly lives: (source: string) => unknown[];
  /** What the daemon's log showed its operator; the ends of jobs are not among it. */
  readonly lines: readonly string[];
  readonly stop: () => Promise<void>;
}

/**
 * A daemon with `incoming`, `denoised` and `state` below `folder`, the identity package, and a stand-in engine. Where
 * `configFile` is given, its configuration is written there and followed. A disk that says nothing for `hangMs` hangs.
 */
export async function runDaemon(
  t: TestContext,
  folder: string,
  engine: Engine,
  change: Record<string, unknown> = {},
  configFile?: string,
  hangMs?: number,
): Promise<RunningDaemon> {
  await mkdir(join(folder, "incoming"), { recursive: true });
  const written = {
    instance: "t",
    folders: [
      { name: "f", path: "incoming", output: "denoised", model: join(repository, "models/identity") },
    ],
    settle: quickSettle,
    jobs: { reserve_mib: 0 },
    mqtt: { port: 0 },
    ...change,
  };
  if (configFile !== undefined) await writeFile(configFile, JSON.stringify(written));
  const configOf = (text: string) => resolveConfig(parseConfig(text, "test"), folder, repository);
  const lines: string[] = [];
  const daemon = await startDaemon({
    config: configOf(JSON.stringify(written)),
    version: "0.0.0",
    log: createDaemonLog({
      info: (text) => void lines.push(text),
      problem: (level, error) => void lines.push(`${level}: ${describeError(error)}`),
    }),
    environment: {},
    startEngine: () => engine,
    runModel: runIdentity,
    onJob: () => undefined,
    onProgress: () => undefined,
    makeFolders: false,
    ...present({ hangMs }),
    ...(configFile === undefined
      ? {}
      : { reread: { file: configFile, read: async () => configOf(await readFile(configFile, "utf8")) } }),
  });
  const port = Number(new URL(daemon.mqttUrl).port);
  const { client, heard } = await listen(port);
  const stop = async (): Promise<void> => {
    await daemon.stop();
    await client.endAsync(true);
  };
  t.after(stop);
  const said = (topic: string) =>
    heard.filter((one) => one.topic === `cnnt-edge/t/${topic}`).map(({ payload }) => payload);
  const lives = (source: string) =>
    heard
      .filter(({ topic, payload }) => /\/job\/[0-9a-f]{16}$/.test(topic) && payload["source"] === source)
      .filter(({ payload }) => payload["stage"] === undefined)
      .map(({ payload }) => payload["status"]);
  return { daemon, heard, port, said, lives, lines, stop };
}
