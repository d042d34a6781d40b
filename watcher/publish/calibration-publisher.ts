import type { MqttClient } from "mqtt";
import type { CalibrationBody, CalibrationProgressBody } from "../../core/messages.ts";
import { within } from "../../core/within.ts";
import type { BrokerAccess } from "./broker-access.ts";
import { createBrokerLink } from "./broker-link.ts";
import { brokerDown, notArriving } from "./broker-news.ts";
import { askRightToPublish } from "./delivery-watch.ts";
import { type Outgoing, sendNow } from "./outbox.ts";
import { outgoing } from "./payload.ts";
import { clientIdentity } from "./topics.ts";

const progressMs = 1000;
const lookMs = 50;
/** Said once; the link goes on trying until the calibration ends. */
const remedy = "Check the broker, its address and the user";
/** A broker gives a message back within milliseconds. */
const echoMs = 2_000;

/**
 * What `calibrate` says over MQTT, beside the daemon: no state, no last will, and never a reason to fail. `onProblem` is
 * called once at most.
 */
export function createCalibrationPublisher(
  access: BrokerAccess,
  instance: string,
  onProblem: (error: unknown) => void,
) {
  const { clientId, ...identity } = clientIdentity(instance);
  const sender = { ...identity, redact: (text: string) => text };
  let told = false;
  const problem = (error: unknown): void => {
    if (!told) onProblem(error);
    told = true;
  };
  const link = createBrokerLink({
    ...access,
    clientId,
    onConnect: () => undefined,
    onMessage: (topic, payload) => echo?.(topic, payload.toString("utf8")),
    onDown: (reason) => problem(brokerDown(access.name, reason, remedy)),
    onFlapping: () => undefined,
  });
  let saidMs = Number.NEGATIVE_INFINITY;
  let echo: ((topic: string, payload: string) => void) | undefined;
  link.start();

  async function sendUntil(body: CalibrationBody, deadlineMs: number): Promise<string | undefined> {
    while (performance.now() < deadlineMs) {
      const client = link.client();
      if (client !== undefined) {
        return sendResult(client, outgoing(sender, "calibration", body, { calibration: body.id }));
      }
      await new Promise((resolve) => setTimeout(resolve, lookMs));
    }
    problem(brokerDown(access.name, "no answer", remedy));
    return undefined;
  }

  /** Brokers confirm also what they throw away because the user may not publish (see `delivery-watch.ts`). */
  async function sendResult(client: MqttClient, message: Outgoing): Promise<string | undefined> {
    const cameBack = new Promise<"arrives">((resolve) => {
      echo = (topic, payload) => {
        if (topic === message.topic && payload === message.payload) resolve("arrives");
      };
    });
    // A user that may only publish hears nothing, and the broker is asked.
    await client.subscribeAsync(message.topic, { qos: 1 }).catch(() => undefined);
    await sendNow(client, message);
    const delivery =
      (await within(echoMs, cameBack)) ?? (await askRightToPublish({ ...access, clientId }, message));
    if (delivery === "arrives" || delivery === "accepted") return message.topic;
    problem(notArriving(access.name, message.topic, delivery, ""));
    return undefined;
  }

  return {
    /** At most once a second; lost while the broker is away. */
    progress(body: CalibrationProgressBody): void {
      if (body.status === "running" && performance.now() - saidMs < progressMs) return;
      saidMs = performance.now();
      const client = link.client();
      if (client === undefined) return;
      sendNow(client, outgoing(sender, "calibrationProgress", body, { calibration: body.id })).catch(problem);
    },
    /**
     * The topic once the broker has it; undefined where it could not be had within `timeoutMs`, or where the broker
     * does not keep what this user publishes.
     */
    result(body: CalibrationBody, timeoutMs: number): Promise<string | undefined> {
      const sent = sendUntil(body, performance.now() + timeoutMs).catch((error: unknown) => {
        problem(error);
        return undefined;
      });
      return within(timeoutMs, sent);
    },
    stop: link.stop,
  };
}
