import { connect, ErrorWithReasonCode, type MqttClient } from "mqtt";
import { within } from "../../core/within.ts";
import { type Login, loginOptions } from "./broker-link.ts";
import type { Delivery } from "./delivery-watch.ts";
import type { Outgoing } from "./outbox.ts";

/**
 * Asks the broker whether this user may publish `message`, by publishing it once more over MQTT 5, where a refusal
 * has a reason code (MQTT 5.0, 3.4.2.1); under 3.1.1 it is confirmed like any other. `unknown` where the broker does
 * not speak MQTT 5 or does not answer. Never rejects.
 */
export async function askRightToPublish(
  { url, clientId, login }: { url: string; clientId: string; login: () => Promise<Login> },
  message: Outgoing,
): Promise<Exclude<Delivery, "arrives">> {
  let client: MqttClient | undefined;
  try {
    client = connect(url, {
      // Our own id would end our own connection.
      clientId: `${clientId}-ask`,
      protocolVersion: 5,
      clean: true,
      reconnectPeriod: 0,
      connectTimeout: answerMs,
      ...loginOptions(await login()),
    });
    return (await within(2 * answerMs, answerOf(client, message))) ?? "unknown";
  } catch {
    return "unknown";
  } finally {
    client?.end(true);
  }
}

const answerMs = 5_000;
const notAuthorized = 0x87;

function answerOf(client: MqttClient, message: Outgoing): Promise<Exclude<Delivery, "arrives">> {
  return new Promise((resolve) => {
    client.on("error", () => resolve("unknown"));
    client.on("close", () => resolve("unknown"));
    client.on("connect", () => {
      client.publish(message.topic, message.payload, { qos: 1, retain: message.retain }, (error) => {
        if (error === undefined || error === null) resolve("accepted");
        else resolve(isRefusal(error) ? "refused" : "unknown");
      });
    });
  });
}

function isRefusal(error: Error): boolean {
  return error instanceof ErrorWithReasonCode && error.code === notAuthorized;
}
