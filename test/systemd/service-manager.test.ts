import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { connectServiceManager } from "../../watcher/publish/service-manager.ts";
import { until } from "../watcher/until.ts";
import { notifySocket, withoutNotify } from "./notify-socket.ts";

test("READY and STATUS arrive on a notify socket; a newline in the status is no assignment", {
  skip: withoutNotify,
}, async (t) => {
  const socket = await notifySocket(t);
  const service = connectServiceManager({ NOTIFY_SOCKET: socket.path }, process.pid);
  service.extendStart(30_000);
  service.ready("watching\nWATCHDOG=trigger");
  service.stopping("bye");
  await until("the last is heard", () => socket.has("STOPPING=1"));
  assert.ok(socket.has("EXTEND_TIMEOUT_USEC=30000000"));
  assert.ok(socket.has("READY=1"));
  assert.ok(socket.has("STATUS=watching WATCHDOG=trigger"));
  assert.ok(!socket.has("WATCHDOG=trigger"));
});

test("a process whose event loop is blocked stops its WATCHDOG, and goes on when it is free", {
  skip: withoutNotify,
}, async (t) => {
  const socket = await notifySocket(t);
  const service = spawn(
    process.execPath,
    ["--import", import.meta.resolve("tsx"), join(import.meta.dirname, "blocking-service.ts")],
    {
      env: { ...process.env, NOTIFY_SOCKET: socket.path, WATCHDOG_USEC: "200000" },
      stdio: ["pipe", "pipe", "inherit"],
    },
  );
  t.after(() => service.kill("SIGKILL"));
  const said = createInterface({ input: service.stdout });
  const pings = () => socket.heard.filter(({ text }) => text.includes("WATCHDOG=1"));
  await until("pings come", () => pings().length >= 3);
  service.stdin.write("3");
  await once(said, "line");
  const blockedMs = performance.now();
  await once(said, "line");
  const freeMs = performance.now();
  // One that was already on its way may still arrive.
  const grace = 500;
  const during = pings().filter(({ atMs }) => atMs > blockedMs + grace && atMs < freeMs);
  assert.deepEqual(during, []);
  const before = pings().length;
  await until("pings come again", () => pings().length > before + 2);
});

test("a ledger that does not answer stops the WATCHDOG", { skip: withoutNotify }, async (t) => {
  const socket = await notifySocket(t);
  const service = connectServiceManager({ NOTIFY_SOCKET: socket.path, WATCHDOG_USEC: "100000" }, process.pid);
  const end = service.watch(() => new Promise(() => undefined));
  service.ready("up");
  await until("READY is heard", () => socket.has("READY=1"));
  await new Promise((resolve) => setTimeout(resolve, 500));
  end();
  assert.ok(!socket.has("WATCHDOG=1"));
});
