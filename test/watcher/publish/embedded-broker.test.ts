import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createConnection } from "node:net";
import { test } from "node:test";
import { promisify } from "node:util";
import { startEmbeddedBroker } from "../../../watcher/publish/embedded-broker.ts";
import { reader, withoutMosquittoSub } from "./brokers.ts";

/** A CONNECT of MQTT 3.1.1 (section 3.1 of the standard). */
function connectPacket(fields: { clientId: string; clean: boolean; keepaliveS: number; version?: number }) {
  const { clientId, clean, keepaliveS, version = 4 } = fields;
  const text = (value: string): number[] => [0, value.length, ...Buffer.from(value)];
  const body = [...text("MQTT"), version, clean ? 2 : 0, keepaliveS >> 8, keepaliveS & 0xff];
  if (version === 5) body.push(0);
  body.push(...text(clientId));
  return Buffer.from([0x10, body.length, ...body]);
}

/** The bytes with which the broker answers, or "closed" where it gives none; a client would wait no longer. */
function answerTo(port: number, packet: Buffer): Promise<number[] | "closed" | "nothing"> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(port, "127.0.0.1", () => socket.write(packet));
    const end = (answer: number[] | "closed" | "nothing"): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(5000, () => end("nothing"));
    socket.once("data", (bytes) => end([...bytes]));
    socket.once("close", () => end("closed"));
    socket.once("error", reject);
  });
}

async function brokerPort(): Promise<{ port: number; stop: () => Promise<void> }> {
  const broker = await startEmbeddedBroker({ port: 0, ownClientId: "own", base: "cnnt-edge/t" });
  return { port: Number(new URL(broker.url).port), stop: broker.stop };
}

test("the embedded broker answers each client that connects, and takes one that asks for a lasting session as a clean one", async (t) => {
  const { port, stop } = await brokerPort();
  t.after(stop);
  const accepted = [0x20, 2, 0, 0];
  const usual = { clientId: "x", clean: true, keepaliveS: 15 };
  assert.deepEqual(await answerTo(port, connectPacket(usual)), accepted);
  assert.deepEqual(await answerTo(port, connectPacket({ ...usual, clean: false })), accepted);
  // Nothing was kept of the session before.
  assert.deepEqual(await answerTo(port, connectPacket({ ...usual, clean: false })), accepted);
  for (const refused of [
    { clientId: "", clean: false },
    { keepaliveS: 0 },
    { keepaliveS: 7200 },
    { version: 5 },
  ]) {
    assert.notEqual(
      await answerTo(port, connectPacket({ ...usual, ...refused })),
      "nothing",
      JSON.stringify(refused),
    );
  }
});

test("mosquitto_sub that asks for a lasting session hears what is published, and not what came while it was away", {
  skip: withoutMosquittoSub,
}, async (t) => {
  const { port, stop } = await brokerPort();
  t.after(stop);
  const writer = await reader(port);
  t.after(() => writer.endAsync(true));
  const listen = () =>
    promisify(execFile)("mosquitto_sub", [
      ...["-p", String(port), "-c", "-i", "x", "-q", "1", "-t", "lab/#", "-C", "1", "-W", "10"],
    ]);
  await writer.publishAsync("lab/a", "retained", { qos: 1, retain: true });
  assert.equal((await listen()).stdout, "retained\n");
  await writer.publishAsync("lab/b", "while it was away", { qos: 1 });
  assert.equal((await listen()).stdout, "retained\n");
});
