/**
 * What happens, told to whoever subscribed. `Payloads` names each event and what comes with it. Told at once, to the
 * subscribers one after the other in the order in which they came; whoever subscribes while an event is told hears
 * the next one, and whoever leaves hears nothing more.
 *
 * Not Node's `EventEmitter`: there the first listener that throws keeps the event from all others and from the teller's
 * next line, an event called `error` ends the process, and whoever left in the meantime is still called.
 */
export interface Events<Payloads> {
  readonly tell: <Name extends keyof Payloads>(name: Name, payload: Payloads[Name]) => void;
  /** The answer ends the subscription. */
  readonly on: <Name extends keyof Payloads>(
    name: Name,
    listener: (payload: Payloads[Name]) => unknown,
  ) => () => void;
}

interface Subscription<Payload> {
  readonly listener: (payload: Payload) => unknown;
}

/** `onDefect`: a listener threw, or rejected. It stops neither the other listeners nor the teller. */
export function createEvents<Payloads>(onDefect: (error: unknown) => void): Events<Payloads> {
  const subscriptions: { [Name in keyof Payloads]?: Set<Subscription<Payloads[Name]>> } = {};

  return {
    tell: (name, payload) => {
      const present = subscriptions[name];
      for (const subscription of [...(present ?? [])]) {
        if (present?.has(subscription) !== true) continue;
        try {
          const answer = subscription.listener(payload);
          if (answer instanceof Promise) answer.catch(onDefect);
        } catch (error) {
          onDefect(error);
        }
      }
    },
    on: (name, listener) => {
      const present = subscriptions[name] ?? new Set();
      subscriptions[name] = present;
      const subscription = { listener };
      present.add(subscription);
      return () => void present.delete(subscription);
    },
  };
}
