import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { connectAsync } from "mqtt";
import { askBroker, healthOf } from "../../container/healthcheck.ts";
import { parseConfig } from "../../watcher/config/load.ts";
import { resolveConfig } from "../../watcher/config/resolve.ts";
import { copyingEngine } from "../watcher/copying-engine.ts";
import { freePort, withoutMosquitto } from "../watcher/publish/brokers.ts";
import { repository, runDaemon } from "../watcher/running-daemon.ts";
import { temporaryFolder } from "../watcher/temporary-folder.ts";
import { until } from "../watcher/until.ts";

const nowMs = Date.parse("2026-03-01T12:00:00.000Z");

function state(change: Record<string, unknown>): string {
  const ts = new Date(nowMs).toISOString();
  const body = {
    v: 1,
    ts,
    boot: "0123456789abcdef",
    state: "online",
    heartbeat_s: 30,
    engine: "ready",
    ...change,
  };
  return JSON.stringify(body);
}

test("who spoke within three heartbeats is healthy, also degraded; offline, silence and nonsense are not", () => {
  const earlier = (s: number) => new Date(nowMs - s * 1000).toISOString();
  for (const alive of [{}, { state: "degraded", reason: "x" }, { state: "draining" }, { ts: earlier(89) }]) {
    assert.ok(healthOf(state(alive), nowMs).healthy, JSON.stringify(alive));
  }
  assert.deepEqual(healthOf(state({ ts: earlier(91) }), nowMs), {
    healthy: false,
    why: "silent for 91 s, last online",
  });
  for (const dead of [state({ state: "offline" }), state({ heartbeat_s: "x" }), "{", ""]) {
    assert.ok(!healthOf(dead, nowMs).healthy, dead);
  }
});

test("a daemon with its embedded broker is found healthy, and not once it has stopped", async (t) => {
  const running = await runDaemon(t, await temporaryFolder(), copyingEngine().engine);
  const written = JSON.stringify({ instance: "t", mqtt: { port: running.port } });
  const config = resolveConfig(parseConfig(written, "test"), "/lab", repository);
  await until("it is healthy", async () => (await askBroker(config)).healthy);
  await running.stop();
  await assert.rejects(askBroker(config));
});

test("the shipped Mosquitto lets in who has a name and a password, and lets only the daemon write", {
  skip: withoutMosquitto,
}, async (t) => {
  const folder = await temporaryFolder();
  const port = await freePort();
  const shipped = join(repository, "container/mosquitto");
  const conf = readFileSync(join(shipped, "mosquitto.conf"), "utf8")
    .replace("listener 1883", `listener ${port} 127.0.0.1\nuser ${userInfo().username}`)
    .replaceAll("/mosquitto/config/", `${folder}/`)
    .replaceAll("/mosquitto/data/", `${folder}/`);
  writeFileSync(join(folder, "mosquitto.conf"), conf);
  writeFileSync(join(folder, "acl"), readFileSync(join(shipped, "acl")), { mode: 0o600 });
  const passwords = join(folder, "passwords");
  for (const [flags, user] of [
    [["-b", "-c"], "cnnt-edge"],
    [["-b"], "monitor"],
  ] as const) {
    assert.equal(spawnSync("mosquitto_passwd", [...flags, passwords, user, "secret"]).status, 0);
  }
  const broker = spawn("/usr/sbin/mosquitto", ["-c", join(folder, "mosquitto.conf")], { stdio: "ignore" });
  t.after(() => broker.kill("SIGKILL"));
  const enter = (username?: string) =>
    connectAsync(
      `mqtt://127.0.0.1:${port}`,
      { reconnectPeriod: 0, ...(username === undefined ? {} : { username, password: "secret" }) },
      false,
    );
  const daemon = await until("the broker listens", () => enter("cnnt-edge").catch(() => undefined));
  await assert.rejects(enter());

  const topic = "cnnt-edge/default/state";
  const fresh = state({ ts: new Date().toISOString() });
  await daemon.publishAsync(topic, fresh, { retain: true, qos: 1 });
  const monitor = await enter("monitor");
  await monitor.publishAsync(topic, state({ state: "offline" }), { retain: true, qos: 1 });

  writeFileSync(join(folder, "secret"), "secret\n");
  const written = readFileSync(join(repository, "container/with-mosquitto.yaml"), "utf8")
    .replace("mosquitto:1883", `127.0.0.1:${port}`)
    .replace("/run/secrets/mqtt-password", join(folder, "secret"));
  const config = resolveConfig(parseConfig(written, "test"), folder, repository);
  assert.deepEqual(await askBroker(config), { healthy: true, why: "online" });
  await Promise.all([daemon.endAsync(true), monitor.endAsync(true)]);
});
