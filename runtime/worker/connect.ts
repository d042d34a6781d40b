import type { AskOptions, Channel, Duties, End, Handlers, Message, Peer, Request } from "./duties.ts";
import { receivedError, sentError } from "./sent-error.ts";

interface Waiting {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly onEvent: ((event: never) => void) | undefined;
}
type Handler = (value: unknown, request?: Request<unknown>) => unknown;

/**
 * Talks to the other side of a channel: asks and tells it what is among its duties `Theirs`, and does what is among `Ours`.
 * Knows of nothing but requests, what is told meanwhile, and the end of either side; deadlines and restarts are its user's.
 * `lost` is called once, when the other side ends or says what is no message of ours, and gives the error with which all
 * that was asked, and will be, is refused.
 */
export function connect<Theirs extends Duties<Theirs>, Ours extends Duties<Ours>>(
  channel: Channel,
  handlers: Handlers<Ours>,
  lost: (end: End) => Error | Promise<Error> = ({ how }) => new Error(how),
): Peer<Theirs> {
  const waiting = new Map<number, Waiting>();
  const serving = new Map<number, AbortController>();
  let lastId = 0;
  let ended: Promise<Error> | undefined;

  function send(message: Message): void {
    if (ended === undefined) channel.send(message);
  }

  function endWith(error: () => Error | Promise<Error>): void {
    if (ended !== undefined) return;
    // Set before `error` is called: from here on nothing is sent.
    ended = Promise.resolve().then(error);
    void ended.then((reason) => {
      for (const { reject } of waiting.values()) reject(reason);
    });
    for (const request of serving.values()) request.abort();
  }

  function settle(id: number): Waiting | undefined {
    const asker = waiting.get(id);
    waiting.delete(id);
    return asker;
  }

  async function serve(id: number, handler: Handler, value: unknown): Promise<void> {
    const giveUp = new AbortController();
    serving.set(id, giveUp);
    try {
      const answer = await handler(value, {
        signal: giveUp.signal,
        tell: (event) => send({ kind: "event", id, value: event }),
      });
      send({ kind: "answer", id, value: answer });
    } catch (error) {
      send({ kind: "refusal", id, error: sentError(error) });
    } finally {
      serving.delete(id);
    }
  }

  /** False for what is no message of ours. */
  function handle(message: Message): boolean {
    if (message.kind === "ask" || message.kind === "tell") {
      if (!Object.hasOwn(handlers, message.name)) return false;
      const handler = handlers[message.name as keyof Ours] as Handler;
      if (message.kind === "ask") void serve(message.id, handler, message.value);
      else handler(message.value);
    } else if (message.kind === "cancel") serving.get(message.id)?.abort();
    else if (message.kind === "event") waiting.get(message.id)?.onEvent?.(message.value as never);
    else if (message.kind === "answer") settle(message.id)?.resolve(message.value);
    else if (message.kind === "refusal") settle(message.id)?.reject(receivedError(message.error));
    else return false;
    return true;
  }

  channel.listen(
    (message) => {
      if (ended !== undefined || handle(Object(message) as Message)) return;
      endWith(() => lost({ how: "it sent a message that the protocol does not know" }));
    },
    (end) => endWith(() => lost(end)),
  );

  async function ask(
    name: PropertyKey,
    value: unknown,
    { signal, onEvent }: AskOptions<never> = {},
  ): Promise<unknown> {
    signal?.throwIfAborted();
    if (ended !== undefined) throw await ended;
    lastId += 1;
    const id = lastId;
    const giveUp = (): void => send({ kind: "cancel", id });
    try {
      return await new Promise((resolve, reject) => {
        send({ kind: "ask", id, name, value });
        waiting.set(id, { resolve, reject, onEvent });
        signal?.addEventListener("abort", giveUp, { once: true });
      });
    } finally {
      signal?.removeEventListener("abort", giveUp);
    }
  }

  return {
    ask: ask as Peer<Theirs>["ask"],
    tell: (name, value) => send({ kind: "tell", name, value }),
    end: (error) => endWith(() => error),
  };
}
