import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { userInfo } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { connectAsync, type MqttClient } from "mqtt";

/** Debian's mosquitto lies where only root's PATH leads. */
const mosquitto = ["/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto", "/opt/homebrew/sbin/mosquitto"].find(
  (path) => spawnSync(path, ["-h"]).error === undefined,
);

export const withoutMosquitto: string | false =
  mosquitto === undefined ? "Debian's package mosquitto is not installed" : false;

export const withoutMosquittoSub: string | false =
  spawnSync("mosquitto_sub", ["--help"]).error === undefined
    ? false
    : "Debian's package mosquitto-clients is not installed";

export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const port = portOf(server);
  server.close();
  await once(server, "close");
  return port;
}

export function portOf(server: Server): number {
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

/**
 * A real Mosquitto without persistence: what it retained is gone when it is restarted. `acl`: lines of its access
 * list, which is read again at SIGHUP; anybody is let in under any name.
 */
export async function startMosquitto(folder: string, port: number, acl?: string): Promise<ChildProcess> {
  const config = join(folder, "mosquitto.conf");
  const aclFile = join(folder, "acl");
  // Started by root it would become a user that may not read its files in a folder of ours.
  const user = `user ${userInfo().username}`;
  const lines = [`listener ${port} 127.0.0.1`, "allow_anonymous true", "persistence false", user];
  if (acl !== undefined) {
    await writeFile(aclFile, acl, { mode: 0o644 });
    lines.push(`acl_file ${aclFile}`);
  }
  await writeFile(config, `${lines.join("\n")}\n`);
  const broker = spawn(mosquitto ?? "mosquitto", ["-c", config], { stdio: "ignore" });
  for (;;) {
    const client = await reader(port).catch(() => undefined);
    if (client === undefined) {
      if (broker.exitCode !== null) throw new Error(`mosquitto ended with ${broker.exitCode}`);
      await sleep(50);
      continue;
    }
    await client.endAsync(true);
    return broker;
  }
}

export function reader(port: number): Promise<MqttClient> {
  return connectAsync(`mqtt://127.0.0.1:${port}`, { protocolVersion: 4, reconnectPeriod: 0 }, false);
}

export interface Heard {
  readonly topic: string;
  readonly payload: Record<string, unknown>;
  readonly retained: boolean;
}

/** Listens to everything; `heard` grows. */
export async function listen(port: number): Promise<{ client: MqttClient; heard: Heard[] }> {
  const client = await reader(port);
  const heard: Heard[] = [];
  client.on("message", (topic, payload, packet) => {
    const text = payload.toString();
    heard.push({ topic, payload: text === "" ? {} : JSON.parse(text), retained: packet.retain === true });
  });
  await client.subscribeAsync("#", { qos: 1 });
  return { client, heard };
}
