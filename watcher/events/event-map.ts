import type { DaemonEvents } from "./daemon-events.ts";

/**
 * What happens, told to whoever subscribed. `Payloads` names each event and what comes with it: the daemon's, unless said. Told at once, to the
 * subscribers one after the other in the order in which they came; whoever subscribes while an event is told hears
 * the next one.
 *
 * Not Node's `EventEmitter`: there the first listener that throws keeps the event from all others and from the teller's
 * next line, and an event called `error` ends the process.
 */
export interface Events<Payloads = DaemonEvents> {
  readonly tell: <Name extends keyof Payloads>(name: Name, payload: Payloads[Name]) => void;
  readonly on: <Name extends keyof Payloads>(
    name: Name,
    listener: (payload: Payloads[Name]) => unknown,
  ) => void;
}

/** `onDefect`: a listener threw, or rejected. It stops neither the other listeners nor the teller. */
export function createEvents<Payloads>(onDefect: (error: unknown) => void): Events<Payloads> {
  const listeners: { [Name in keyof Payloads]?: readonly ((payload: Payloads[Name]) => unknown)[] } = {};

  return {
    tell: (name, payload) => {
      for (const listener of listeners[name] ?? []) {
        try {
          const answer = listener(payload);
          if (answer instanceof Promise) answer.catch(onDefect);
        } catch (error) {
          onDefect(error);
        }
      }
    },
    on: (name, listener) => {
      listeners[name] = [...(listeners[name] ?? []), listener];
    },
  };
}
