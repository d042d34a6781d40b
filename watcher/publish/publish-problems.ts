import { machineError } from "../../core/errors.ts";

/** What goes wrong between the publisher and its broker, said to a person. */

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
