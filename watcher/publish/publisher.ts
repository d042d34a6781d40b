import type { MqttClient } from "mqtt";
import type { JobBody, MessageBody, MessageName, StateBody } from "../../core/messages.ts";
import { within } from "../../core/within.ts";
import { type BrokerLink, type BrokerLinkOptions, createBrokerLink } from "./broker-link.ts";
import { birthFailed, flapping, thrownOutReason, twin } from "./broker-news.ts";
import { askRightToPublish, createDeliveryWatch, type Delivery } from "./delivery-watch.ts";
import { createJobEnds, type EndsMemory } from "./job-ends.ts";
import { createOutbox, createPump, type Outgoing, sendNow } from "./outbox.ts";
import { encodeMessage, initialState, misfit, outgoing, parseState, type Sender } from "./payload.ts";
import { type TopicNames, topicOf } from "./topics.ts";

export type Publisher = ReturnType<typeof createPublisher>;

/** What outlives the process: ends not yet confirmed, and the topics that a broker keeps for us. */
export interface PublisherMemory extends EndsMemory {
  readonly retainedTopics: () => Promise<readonly string[]>;
  readonly rememberRetained: (topic: string) => Promise<void>;
  readonly forgetRetained: (topic: string) => Promise<void>;
}

export interface PublisherOptions
  extends Sender,
    Pick<BrokerLinkOptions, "url" | "clientId" | "login" | "keepaliveS"> {
  readonly memory: PublisherMemory;
  /** Whether a topic that we once retained still has its subject (a folder may have left the configuration). */
  readonly isCurrent: (topic: string) => boolean;
  /** So long may our own state be under way before it counts as not arrived. */
  readonly echoMs?: number;
  /** Connected, and what is known of whether messages arrive; again whenever that changes. */
  readonly onDelivery: (delivery: Delivery) => void;
  readonly onDown: (reason: string) => void;
  readonly onProblem: (error: Error) => void;
}

const mostWaiting = 1000;
/** A broker gives our own state back within milliseconds; a busy one on a slow line has this. */
const usualEchoMs = 5_000;
/** A stranger who keeps saying that we are offline is answered not more often. */
const correctionMs = 1000;

/** What the daemon says over MQTT. Nothing leaves that its schema does not know. */
export function createPublisher(options: PublisherOptions) {
  const { base, boot, memory } = options;
  const stateTopic = topicOf(base, "state");
  /** The present truth of every retained topic, in the order in which it was first said. */
  const retained = new Map<string, Outgoing>();
  const outbox = createOutbox(mostWaiting);
  /** The client that has been told everything retained; before that nothing else is said. */
  let greeted: MqttClient | undefined;
  let state: StateBody | undefined;
  let lastCorrectionMs = Number.NEGATIVE_INFINITY;
  let correction: NodeJS.Timeout | undefined;
  let warnedOfTwin = false;
  /** The broker has accepted this connection. */
  let letIn = false;
  let wasRefused = false;
  let stopping = false;

  const delivery = createDeliveryWatch({
    echoMs: options.echoMs ?? usualEchoMs,
    ask: async () => {
      const message = retained.get(stateTopic);
      return message === undefined ? "unknown" : askRightToPublish(options, message);
    },
    onVerdict: (verdict) => {
      const mayNow = wasRefused && verdict !== "refused";
      wasRefused = verdict === "refused";
      ends.learnDelivery(verdict);
      options.onDelivery(verdict);
      if (mayNow) sayAgain();
    },
  });
  const ends = createJobEnds({
    memory,
    send: async (end) => {
      const client = listener();
      if (client === undefined) throw new Error("not connected");
      await sendNow(client, outgoing(options, "job", end, { job: end.id }));
    },
    sayState: () => sayState(),
    onProblem: options.onProblem,
  });
  const pump = createPump({
    outbox,
    listener,
    // It may have waited since before the last connection: only the present truth is retained.
    newest: (message) => retained.get(message.topic) ?? message,
    onGive: ({ topic }) => {
      if (topic !== stateTopic) return;
      delivery.said();
      ends.stateSaid();
    },
  });
  const link: BrokerLink = createBrokerLink({
    ...options,
    will: () => ({ topic: stateTopic, payload: encodeMessage("state", will(), options) }),
    onConnect: (client) => {
      letIn = true;
      welcome(client).catch((error: unknown) => {
        // Half a birth is none: the next connection tries again.
        if (link.client() === client) options.onProblem(birthFailed(error));
        client.end(true);
      });
    },
    onMessage: (topic, payload, wasRetained) => {
      if (topic === stateTopic) learnState(payload, wasRetained);
    },
    onDown: (reason, closed) => {
      const thrownOut = closed && nothingCameBack();
      letIn = false;
      wasRefused = false;
      delivery.reset();
      ends.learnDelivery(undefined);
      options.onDown(thrownOut ? thrownOutReason(reason, base) : reason);
    },
    onFlapping: () => {
      // The likely reason of the other case is told by `onDown`.
      if (!nothingCameBack()) options.onProblem(flapping(options.clientId));
    },
  });

  /** The broker has let us in, and has not yet shown what it does with our messages. */
  function nothingCameBack(): boolean {
    return letIn && delivery.verdict() === undefined;
  }

  /** Written now, sent by the broker when it has lost us: it cannot know since when we are offline. */
  function will(): StateBody {
    const { provider: _provider, since: _since, ...rest } = state ?? initialState;
    return { ...rest, state: "offline", reason: "connection lost", will: true };
  }

  /** Everything else first: `online` means that the rest is true. */
  async function welcome(client: MqttClient): Promise<void> {
    await client.subscribeAsync(stateTopic, { qos: 1 }).catch((error: unknown) => {
      // A user that may only publish: what we say can still arrive.
      if (link.client() !== client) throw error;
    });
    for (const topic of await memory.retainedTopics()) {
      if (retained.has(topic) || options.isCurrent(topic)) continue;
      await client.publishAsync(topic, "", { qos: 1, retain: true });
      await memory.forgetRetained(topic);
    }
    for (const message of [...retained.values()]) {
      if (message.topic !== stateTopic) await sendNow(client, message);
    }
    greeted = client;
    sayState();
    ends.replay();
  }

  /** The broker threw away what was said before this user had the right. */
  function sayAgain(): void {
    for (const message of retained.values()) outbox.put(message);
    pump.run();
    ends.replay();
  }

  function enqueue(message: Outgoing): void {
    if (message.retain) retain(message);
    // What is retained is said at each connect anyway, and what may be lost is lost while nobody listens.
    if (listener() === undefined && (message.retain || message.qos === 0)) return;
    outbox.put(message);
    pump.run();
  }

  function listener(): MqttClient | undefined {
    const client = link.client();
    return client === greeted ? client : undefined;
  }

  function retain(message: Outgoing): void {
    if (!retained.has(message.topic)) memory.rememberRetained(message.topic).catch(options.onProblem);
    retained.set(message.topic, message);
  }

  function sayState(): void {
    if (state === undefined) return;
    enqueue(outgoing(options, "state", state));
  }

  /** A late last will, or a stranger, says that we are gone. */
  function learnState(payload: Buffer, wasRetained: boolean): void {
    const said = parseState(payload);
    if (stopping || said === undefined) return;
    // What was retained may be of an earlier connection.
    if (said.boot === boot && said.state !== "offline" && !wasRetained) {
      delivery.heard();
      ends.stateHeard();
    }
    if (said.state === "offline") {
      const waitMs = Math.max(0, lastCorrectionMs + correctionMs - performance.now());
      correction ??= setTimeout(() => {
        correction = undefined;
        lastCorrectionMs = performance.now();
        if (!stopping) sayState();
      }, waitMs);
    } else if (said.boot !== boot && !wasRetained && !warnedOfTwin) {
      warnedOfTwin = true;
      options.onProblem(twin(base));
    }
  }

  function guarded(act: () => void): void {
    try {
      act();
    } catch (error) {
      options.onProblem(error instanceof Error ? error : misfit("state", undefined));
    }
  }

  return {
    start: link.start,
    publish: <Name extends Exclude<MessageName, "state">>(
      name: Name,
      body: MessageBody<Name>,
      names?: TopicNames,
    ): void => guarded(() => enqueue(outgoing(options, name, body, names))),
    /** The broker is to keep nothing there any more. */
    clear: (name: Exclude<MessageName, "state">, names?: TopicNames): void => {
      const topic = topicOf(base, name, names);
      // Else the next connect clears what the ledger remembers.
      if (!retained.delete(topic) || listener() === undefined) return;
      outbox.put({ topic, payload: "", qos: 1, retain: true });
      pump.run();
    },
    /** The end of a job: kept by the ledger until the broker has confirmed it. */
    publishEnd: (job: JobBody): void => {
      outbox.remove(topicOf(base, "job", { job: job.id }));
      if (listener() !== undefined) ends.tell(job);
      guarded(() => enqueue(outgoing(options, "jobLast", job)));
    },
    setState: (next: StateBody): void => {
      state = next;
      guarded(sayState);
    },
    dropped: outbox.dropped,
    /** Publishes `last`, waits for the broker's word or `timeoutMs`, and ends the link. */
    stop: async (last: StateBody, timeoutMs: number): Promise<void> => {
      stopping = true;
      clearTimeout(correction);
      delivery.reset();
      const client = listener();
      if (client !== undefined) {
        const endMs = performance.now() + timeoutMs;
        const quiet = drained(() => pump.isIdle() && ends.isIdle(), timeoutMs);
        const closed = quiet.then((isQuiet) => (isQuiet ? ends.close() : undefined));
        await within(timeoutMs, closed.catch(options.onProblem));
        const said = sendNow(client, outgoing(options, "state", last)).catch(() => undefined);
        await within(endMs - performance.now(), said);
      }
      await link.stop();
    },
  };
}

async function drained(isDrained: () => boolean, timeoutMs: number): Promise<boolean> {
  const endMs = performance.now() + timeoutMs;
  while (!isDrained() && performance.now() < endMs) await new Promise((resolve) => setTimeout(resolve, 10));
  return isDrained();
}
