import type { MqttClient } from "mqtt";
import {
  type CalibrationBody,
  type CalibrationProgressBody,
  type MessageBody,
  messageKinds,
} from "../../core/messages.ts";
import { within } from "../../core/within.ts";
import { askRightToPublish } from "./ask-right.ts";
import type { BrokerAccess } from "./broker-access.ts";
import { createBrokerLink } from "./broker-link.ts";
import { brokerDown, notArriving } from "./broker-news.ts";
import { clientIdentity } from "./client-identity.ts";
import { encodeMessage } from "./encode-message.ts";
import type { Outgoing } from "./outbox.ts";
import { sendNow } from "./pump.ts";
import { topicOf } from "./topics.ts";

/** What `calibrate` says over MQTT, beside the daemon: no state, no last will, and never a reason to fail. */
export interface CalibrationPublisher {
  /** At most once a second; lost while the broker is away. */
  readonly progress: (body: CalibrationProgressBody) => void;
  /**
   * The topic once the broker has it; undefined where it could not be had within `timeoutMs`, or where the broker
   * does not keep what this user publishes.
   */
  readonly result: (body: CalibrationBody, timeoutMs: number) => Promise<string | undefined>;
  readonly stop: () => Promise<void>;
}

const progressMs = 1000;
const lookMs = 50;
/** Said once; the link goes on trying until the calibration ends. */
const remedy = "Check the broker, its address and the user";
/** A broker gives a message back within milliseconds. */
const echoMs = 2_000;

/** `onProblem` is called once at most. */
export function createCalibrationPublisher(
  access: BrokerAccess,
  instance: string,
  onProblem: (error: unknown) => void,
): CalibrationPublisher {
  const { boot, base, clientId } = clientIdentity(instance);
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

  function outgoing<Name extends "calibration" | "calibrationProgress">(
    name: Name,
    body: MessageBody<Name> & { readonly id: string },
  ): Outgoing {
    const { qos, retain } = messageKinds[name];
    const payload = encodeMessage(name, body, { boot, redact: (text) => text });
    return { topic: topicOf(base, name, { calibration: body.id }), payload, qos, retain };
  }

  async function sendUntil(body: CalibrationBody, deadlineMs: number): Promise<string | undefined> {
    while (performance.now() < deadlineMs) {
      const client = link.client();
      if (client !== undefined) return sendResult(client, outgoing("calibration", body));
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
    progress(body) {
      if (body.status === "running" && performance.now() - saidMs < progressMs) return;
      saidMs = performance.now();
      const client = link.client();
      if (client !== undefined) sendNow(client, outgoing("calibrationProgress", body)).catch(problem);
    },
    result(body, timeoutMs) {
      const sent = sendUntil(body, performance.now() + timeoutMs).catch((error: unknown) => {
        problem(error);
        return undefined;
      });
      return within(timeoutMs, sent);
    },
    stop: link.stop,
  };
}
