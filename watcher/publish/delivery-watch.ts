import { connect, ErrorWithReasonCode, type MqttClient } from "mqtt";
import { within } from "../../core/within.ts";
import { type Login, loginOptions } from "./broker-link.ts";
import type { Outgoing } from "./outbox.ts";

/**
 * Whether what is published reaches the broker's readers. Under MQTT 3.1.1 a broker confirms also what it throws
 * away because the user may not publish, so our own state is expected back; where it does not come, the broker is
 * asked by another way.
 *
 * - `arrives`: our own state came back;
 * - `accepted`: it did not (this user may not read it), but the broker says that it takes what we publish;
 * - `refused`: the broker says that this user may not publish;
 * - `unknown`: it did not come back, and the broker says nothing.
 */
export type Delivery = "arrives" | "accepted" | "refused" | "unknown";

export interface DeliveryWatchOptions {
  /** So long may our state be under way. */
  readonly echoMs: number;
  /** The other way. Never rejects. */
  readonly ask: () => Promise<Exclude<Delivery, "arrives">>;
  /** Called when it changes, and with the first of each connection. */
  readonly onVerdict: (verdict: Delivery) => void;
  readonly now?: () => number;
}

/** A user that may publish but not read is not asked for at each heartbeat. */
const askAgainMs = 5 * 60_000;

export function createDeliveryWatch({
  echoMs,
  ask,
  onVerdict,
  now = () => performance.now(),
}: DeliveryWatchOptions) {
  let verdict: Delivery | undefined;
  let timer: NodeJS.Timeout | undefined;
  let askedMs = Number.NEGATIVE_INFINITY;
  /** Answers that belong to an earlier connection, or came after our state did, are dropped. */
  let question = 0;

  function conclude(next: Delivery): void {
    if (next === verdict) return;
    verdict = next;
    onVerdict(next);
  }

  async function missed(): Promise<void> {
    timer = undefined;
    if (verdict === "accepted" && now() - askedMs < askAgainMs) return;
    askedMs = now();
    const mine = ++question;
    const answer = await ask();
    if (mine === question) conclude(answer);
  }

  function forget(): void {
    clearTimeout(timer);
    timer = undefined;
    question += 1;
  }

  return {
    /** Our state is given to the broker. */
    said: (): void => {
      timer ??= setTimeout(() => void missed(), echoMs);
    },
    /** Our state came back. */
    heard: (): void => {
      forget();
      conclude("arrives");
    },
    /** The connection is gone: what was known is no longer. */
    reset: (): void => {
      forget();
      verdict = undefined;
    },
    /** Undefined until something is known of this connection. */
    verdict: (): Delivery | undefined => verdict,
  };
}

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
        else {
          const isRefusal = error instanceof ErrorWithReasonCode && error.code === notAuthorized;
          resolve(isRefusal ? "refused" : "unknown");
        }
      });
    });
  });
}
