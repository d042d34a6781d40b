/** Messages that wait for the broker: the newest of each topic, and not more than so many topics. Pure. */

export interface Outgoing {
  readonly topic: string;
  readonly payload: string;
  readonly qos: 0 | 1;
  readonly retain: boolean;
}

export interface Outbox {
  readonly put: (message: Outgoing) => void;
  /** The one that waits longest, taken out. */
  readonly take: () => Outgoing | undefined;
  /** Whether a newer message of this topic waits. */
  readonly has: (topic: string) => boolean;
  /** Forgets what waits for this topic: something newer was said by another way. */
  readonly remove: (topic: string) => void;
  readonly size: () => number;
  /** How many were thrown away because there were too many. */
  readonly dropped: () => number;
}

export function createOutbox(mostTopics: number): Outbox {
  const waiting = new Map<string, Outgoing>();
  let dropped = 0;

  const oldest = (): Outgoing | undefined => waiting.values().next().value;

  return {
    put: (message) => {
      // A Map keeps the place of a key that it has: delete first, so that a newer message stands at the end.
      waiting.delete(message.topic);
      waiting.set(message.topic, message);
      const first = oldest();
      if (waiting.size > mostTopics && first !== undefined) {
        waiting.delete(first.topic);
        dropped += 1;
      }
    },
    take: () => {
      const first = oldest();
      if (first !== undefined) waiting.delete(first.topic);
      return first;
    },
    has: (topic) => waiting.has(topic),
    remove: (topic) => {
      waiting.delete(topic);
    },
    size: () => waiting.size,
    dropped: () => dropped,
  };
}
