import { machineError } from "../../core/errors.ts";
import type { DaemonLog } from "../events/daemon-log.ts";
import type { Delivery } from "./delivery-watch.ts";

/** A broker that stays away is told again after this. */
const repeatMs = 10 * 60_000;

/**
 * What the log says of the broker: each change once, not each attempt to connect. `name`: its address as people may see
 * it. `topics`: what the daemon publishes below.
 */
export function createBrokerNews(
  name: string,
  topics: string,
  log: Pick<DaemonLog, "info" | "warn">,
  now: () => number = () => performance.now(),
) {
  let told: { reason: string; atMs: number } | undefined;
  return {
    delivery(delivery: Delivery): void {
      told = undefined;
      if (delivery === "arrives") log.info(`connected to ${name}; published messages arrive`);
      else if (delivery === "accepted") {
        log.info(
          `connected to ${name}; the broker takes published messages, but this user may not read them`,
        );
      } else log.warn(notArriving(name, topics, delivery));
    },
    down(reason: string): void {
      if (told?.reason === reason && now() - told.atMs < repeatMs) return;
      told = { reason, atMs: now() };
      log.warn(brokerDown(name, reason));
    },
  };
}

const daemonsRemedy =
  "Check mqtt.url, the user and the broker. The daemon tries again by itself, and jobs go on";

/** `remedy`: what to do, and what the program that asks does meanwhile; the daemon's where absent. */
export function brokerDown(name: string, reason: string, remedy = daemonsRemedy) {
  return machineError("the MQTT broker is not connected", {
    code: "mqtt-down",
    at: name,
    found: reason,
    remedy,
    retryable: true,
  });
}

export function notArriving(
  name: string,
  topics: string,
  delivery: "refused" | "unknown",
  meanwhile = ". Jobs go on",
) {
  const what =
    delivery === "refused"
      ? `connected to ${name}, but the broker refuses published messages: this user may not publish on ${topics}`
      : `connected to ${name}, but published messages do not come back, so it is unknown whether they arrive`;
  return machineError(what, {
    code: delivery === "refused" ? "mqtt-no-right" : "mqtt-no-echo",
    remedy: `Give the user the right to read and write ${topics} on the broker${meanwhile}`,
    retryable: true,
  });
}

export function birthFailed(cause: unknown) {
  return machineError("the broker did not take the first messages", {
    code: "mqtt-birth",
    found: cause instanceof Error ? cause.message : String(cause),
    remedy: "Check that this user may read and write below cnnt-edge/<instance>/ on the broker",
    cause,
  });
}

/** Some brokers answer a message that they refuse by ending the connection. */
export function thrownOutReason(reason: string, base: string): string {
  return `${reason} before our first messages came back; this user may lack the right to publish below ${base}/`;
}

export function flapping(clientId: string) {
  return machineError("the broker ends each connection at once", {
    code: "mqtt-flapping",
    found: `client id ${clientId}`,
    remedy: "Check whether another client uses this id, and read the broker's log for the reason",
  });
}

export function twin(base: string) {
  return machineError("another daemon publishes under the same topics", {
    code: "mqtt-twin",
    found: base,
    remedy: "Give each daemon its own `instance`",
  });
}
