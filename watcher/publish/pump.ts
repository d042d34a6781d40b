import type { MqttClient } from "mqtt";
import type { Outbox, Outgoing } from "./outbox.ts";

/** Gives what waits in the outbox to the broker, so many messages at a time. */
export interface Pump {
  /** To be called when something was put into the outbox, and when a new client may be used. */
  readonly run: () => void;
  /** Nothing waits, and all that was given is confirmed. */
  readonly isIdle: () => boolean;
}

export interface PumpOptions {
  readonly outbox: Outbox;
  /** The client that messages can be given to now. */
  readonly listener: () => MqttClient | undefined;
  /** What is to be given in place of a message that has waited. */
  readonly newest: (message: Outgoing) => Outgoing;
  readonly onGive: (message: Outgoing) => void;
}

/** Messages on their way to the broker at the same time; more wait in the outbox. */
const mostInFlight = 32;

export function createPump({ outbox, listener, newest, onGive }: PumpOptions): Pump {
  /** Given to one client and not yet confirmed. A client that is gone may never answer, so the next one counts anew. */
  let flight: { client: MqttClient | undefined; count: number } = { client: undefined, count: 0 };

  function run(): void {
    const client = listener();
    if (client === undefined) return;
    if (flight.client !== client) flight = { client, count: 0 };
    const mine = flight;
    while (mine.count < mostInFlight) {
      const taken = outbox.take();
      if (taken === undefined) return;
      const message = newest(taken);
      mine.count += 1;
      onGive(message);
      sendNow(client, message).then(
        () => {
          mine.count -= 1;
          run();
        },
        () => {
          mine.count -= 1;
          // The connection broke: what must arrive waits for the next one, unless something newer does. To run here
          // could give it to the same client again and again, without an end and without a turn for anything else.
          if (message.qos === 1 && !message.retain && !outbox.has(message.topic)) outbox.put(message);
        },
      );
    }
  }

  return { run, isIdle: () => outbox.size() === 0 && flight.count === 0 };
}

export async function sendNow(client: MqttClient, message: Outgoing): Promise<void> {
  const { topic, payload, qos, retain } = message;
  await client.publishAsync(topic, payload, { qos, retain });
}
