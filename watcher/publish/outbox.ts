import type { MqttClient } from "mqtt";

/** Messages on their way to the broker. */

export interface Outgoing {
  readonly topic: string;
  readonly payload: string;
  readonly qos: 0 | 1;
  readonly retain: boolean;
}

/** Those that wait: the newest of each topic, and not more than `mostTopics` topics. Pure. */
export function createOutbox(mostTopics: number) {
  const waiting = new Map<string, Outgoing>();
  let dropped = 0;

  const oldest = (): Outgoing | undefined => waiting.values().next().value;

  return {
    put: (message: Outgoing): void => {
      // A Map keeps the place of a key that it has: delete first, so that a newer message stands at the end.
      waiting.delete(message.topic);
      waiting.set(message.topic, message);
      const first = oldest();
      if (waiting.size > mostTopics && first !== undefined) {
        waiting.delete(first.topic);
        dropped += 1;
      }
    },
    /** The one that waits longest, taken out. */
    take: (): Outgoing | undefined => {
      const first = oldest();
      if (first !== undefined) waiting.delete(first.topic);
      return first;
    },
    /** Whether a newer message of this topic waits. */
    has: (topic: string): boolean => waiting.has(topic),
    /** Forgets what waits for this topic: something newer was said by another way. */
    remove: (topic: string): void => void waiting.delete(topic),
    size: (): number => waiting.size,
    /** How many were thrown away because there were too many. */
    dropped: (): number => dropped,
  };
}

export interface PumpOptions {
  readonly outbox: ReturnType<typeof createOutbox>;
  /** The client that messages can be given to now. */
  readonly listener: () => MqttClient | undefined;
  /** What is to be given in place of a message that has waited. */
  readonly newest: (message: Outgoing) => Outgoing;
  readonly onGive: (message: Outgoing) => void;
}

/** Messages on their way to the broker at the same time; more wait in the outbox. */
const mostInFlight = 32;

/** Gives what waits in the outbox to the broker, so many messages at a time. */
export function createPump({ outbox, listener, newest, onGive }: PumpOptions) {
  /** Given to one client and not yet confirmed. A client that is gone may never answer, so the next one counts anew. */
  let flight: { client: MqttClient | undefined; count: number } = { client: undefined, count: 0 };

  /** To be called when something was put into the outbox, and when a new client may be used. */
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

  /** Nothing waits, and all that was given is confirmed. */
  const isIdle = (): boolean => outbox.size() === 0 && flight.count === 0;
  return { run, isIdle };
}

export async function sendNow(client: MqttClient, message: Outgoing): Promise<void> {
  const { topic, payload, qos, retain } = message;
  await client.publishAsync(topic, payload, { qos, retain });
}
