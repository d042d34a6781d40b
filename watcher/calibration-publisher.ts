import { randomBytes } from "node:crypto";
import type { CalibrationBody, CalibrationProgressBody, MessageBody } from "../core/messages.ts";
import { messageKinds } from "../core/messages.ts";
import type { BrokerAccess } from "./broker-access.ts";
import { brokerDown } from "./broker-access.ts";
import { createBrokerLink } from "./publish/broker-link.ts";
import { encodeMessage } from "./publish/encode-message.ts";
import { topicBase, topicOf } from "./publish/topics.ts";

/** What `calibrate` says over MQTT, beside the daemon: no state, no last will, and never a reason to fail. */
export interface CalibrationPublisher {
  /** At most once a second; lost while the broker is away. */
  readonly progress: (body: CalibrationProgressBody) => void;
  /** The topic once the broker has it; undefined where it could not be had within `timeoutMs`. */
  readonly result: (body: CalibrationBody, timeoutMs: number) => Promise<string | undefined>;
  readonly stop: () => Promise<void>;
}

const progressMs = 1000;
const lookMs = 50;

/** `onProblem` is called once at most. */
export function createCalibrationPublisher(
  access: BrokerAccess,
  instance: string,
  onProblem: (error: unknown) => void,
): CalibrationPublisher {
  const boot = randomBytes(8).toString("hex");
  const base = topicBase(instance);
  let told = false;
  const problem = (error: unknown): void => {
    if (!told) onProblem(error);
    told = true;
  };
  const link = createBrokerLink({
    ...access,
    clientId: `cnnt-edge-${instance}-${boot.slice(0, 6)}`,
    onConnect: () => undefined,
    onMessage: () => undefined,
    onDown: (reason) => problem(brokerDown(access.url, reason)),
    onFlapping: () => undefined,
  });
  let saidMs = Number.NEGATIVE_INFINITY;
  link.start();

  async function send<Name extends "calibration" | "calibrationProgress">(
    name: Name,
    body: MessageBody<Name> & { readonly id: string },
  ): Promise<string | undefined> {
    const client = link.client();
    if (client === undefined) return undefined;
    const { qos, retain } = messageKinds[name];
    const topic = topicOf(base, name, { calibration: body.id });
    await client.publishAsync(topic, encodeMessage(name, body, { boot, redact: (text) => text }), {
      qos,
      retain,
    });
    return topic;
  }

  async function sendUntil(body: CalibrationBody, deadlineMs: number): Promise<string | undefined> {
    while (performance.now() < deadlineMs) {
      if (link.client() !== undefined) return send("calibration", body);
      await new Promise((resolve) => setTimeout(resolve, lookMs));
    }
    problem(brokerDown(access.url, "no answer"));
    return undefined;
  }

  return {
    progress(body) {
      if (body.status === "running" && performance.now() - saidMs < progressMs) return;
      saidMs = performance.now();
      send("calibrationProgress", body).catch(problem);
    },
    async result(body, timeoutMs) {
      const late = new Promise<undefined>((resolve) =>
        setTimeout(() => resolve(undefined), timeoutMs).unref(),
      );
      const sent = sendUntil(body, performance.now() + timeoutMs).catch((error: unknown) => {
        problem(error);
        return undefined;
      });
      return Promise.race([sent, late]);
    },
    stop: link.stop,
  };
}
