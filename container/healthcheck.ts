import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { connectAsync } from "mqtt";
import { describeError, isEdgeError } from "../core/errors.ts";
import { stateSchema } from "../core/messages.ts";
import { usualPort } from "../watcher/config/broker-address.ts";
import { configFor } from "../watcher/config/flags.ts";
import type { DaemonConfig } from "../watcher/config/resolve.ts";
import { openBroker } from "../watcher/publish/broker-access.ts";
import { loginOptions } from "../watcher/publish/broker-link.ts";
import { topicBase, topicOf } from "../watcher/publish/topics.ts";

/**
 * A container's health check: exits with 0 where the daemon of this configuration has said within three heartbeats
 * that it is at work, else with 1 and a sentence. It asks the broker, as any monitor does: there is no other way in.
 */

export interface Health {
  readonly healthy: boolean;
  readonly why: string;
}

const connectMs = 5_000;
const retainedMs = 5_000;
const staleHeartbeats = 3;

/** What a `state` message says at `nowMs` (milliseconds since 1970). A degraded daemon is alive: the rest goes on. */
export function healthOf(payload: string, nowMs: number): Health {
  let message: unknown;
  try {
    message = JSON.parse(payload);
  } catch {
    return { healthy: false, why: "the state is not JSON" };
  }
  const parsed = stateSchema.safeParse(message);
  if (!parsed.success) return { healthy: false, why: "the state is not one that this version knows" };
  const { state, reason, ts, heartbeat_s: heartbeatS } = parsed.data;
  const ageS = (nowMs - Date.parse(ts)) / 1000;
  const said = reason === undefined ? state : `${state}: ${reason}`;
  if (state === "offline") return { healthy: false, why: said };
  if (ageS > staleHeartbeats * heartbeatS) {
    return { healthy: false, why: `silent for ${ageS.toFixed(0)} s, last ${said}` };
  }
  return { healthy: true, why: said };
}

/** Asks the configured broker, or the embedded one. Throws where it cannot be asked. */
export async function askBroker({ mqtt, instance }: DaemonConfig): Promise<Health> {
  const topic = topicOf(topicBase(instance), "state");
  const { url, ...login } = await entranceOf(mqtt, topic);
  const options = { ...login, protocolVersion: 4, connectTimeout: connectMs, reconnectPeriod: 0 } as const;
  const client = await connectAsync(url, options, false);
  let late: NodeJS.Timeout | undefined;
  try {
    const payload = await new Promise<string | undefined>((resolve, reject) => {
      late = setTimeout(resolve, retainedMs, undefined);
      client.on("message", (_topic, bytes) => resolve(bytes.toString()));
      client.subscribeAsync(topic, { qos: 1 }).catch(reject);
    });
    if (payload === undefined) return { healthy: false, why: `the broker has no ${topic}` };
    return healthOf(payload, Date.now());
  } finally {
    clearTimeout(late);
    await client.endAsync(true);
  }
}

async function entranceOf(mqtt: DaemonConfig["mqtt"], topic: string) {
  // The embedded broker lets anybody on the machine read. In a container its usual port is free.
  if (mqtt.url === null) return { url: `mqtt://127.0.0.1:${mqtt.port ?? usualPort}` };
  const { url, login } = await openBroker(mqtt, "cnnt-edge-healthcheck", topic);
  return { url, ...loginOptions(await login()) };
}

async function main(file: string): Promise<number> {
  try {
    const config = await configFor(file, {}, dirname(file), dirname(import.meta.dirname));
    const { healthy, why } = await askBroker(config);
    process.stdout.write(`${why}\n`);
    return healthy ? 0 : 1;
  } catch (error) {
    const why = isEdgeError(error) ? describeError(error) : `the broker cannot be asked (${String(error)})`;
    process.stdout.write(`nothing is known: ${why}\n`);
    return 1;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exit(await main(process.argv[2] ?? ""));
