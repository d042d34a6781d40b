import type { MqttClient } from "mqtt";
import {
  type JobBody,
  type MessageBody,
  type MessageName,
  messageKinds,
  type StateBody,
} from "../../core/messages.ts";
import { within } from "../../core/within.ts";
import { askRightToPublish } from "./ask-right.ts";
import { type BrokerLink, createBrokerLink, type Login } from "./broker-link.ts";
import { createDeliveryWatch, type Delivery } from "./delivery-watch.ts";
import { encodeMessage, misfit } from "./encode-message.ts";
import { createJobEnds, type EndsMemory } from "./job-ends.ts";
import { createOutbox, type Outgoing } from "./outbox.ts";
import { initialState, parseState } from "./own-state.ts";
import { birthFailed, flapping, thrownOutReason, twin } from "./publish-problems.ts";
import { createPump, sendNow } from "./pump.ts";
import { type TopicNames, topicOf } from "./topics.ts";

/** What the daemon says over MQTT. Nothing leaves that its schema does not know. */
export interface Publisher {
  readonly start: () => void;
  readonly publish: <Name extends Exclude<MessageName, "state">>(
    name: Name,
    body: MessageBody<Name>,
    names?: TopicNames,
  ) => void;
  /** The end of a job: kept by the ledger until the broker has confirmed it. */
  readonly publishEnd: (job: JobBody) => void;
  readonly setState: (state: StateBody) => void;
  readonly dropped: () => number;
  /** Publishes `last`, waits for the broker's word or `timeoutMs`, and ends the link. */
  readonly stop: (last: StateBody, timeoutMs: number) => Promise<void>;
}

/** What outlives the process: ends not yet confirmed, and the topics that a broker keeps for us. */
export interface PublisherMemory extends EndsMemory {
  readonly retainedTopics: () => Promise<readonly string[]>;
  readonly rememberRetained: (topic: string) => Promise<void>;
  readonly forgetRetained: (topic: string) => Promise<void>;
}

export interface PublisherOptions {
  readonly url: string;
  readonly clientId: string;
  readonly login: () => Promise<Login>;
  readonly base: string;
  readonly boot: string;
  /** Applied to every text that leaves. */
  readonly redact: (text: string) => string;
  readonly memory: PublisherMemory;
  /** Whether a topic that we once retained still has its subject (a folder may have left the configuration). */
  readonly isCurrent: (topic: string) => boolean;
  /** So long may our own state be under way before it counts as not arrived. */
  readonly echoMs?: number;
  readonly keepaliveS?: number;
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

export function createPublisher(options: PublisherOptions): Publisher {
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
      await sendNow(client, outgoing("job", end, { job: end.id }));
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
    will: () => ({ topic: stateTopic, payload: encode("state", will()) }),
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

  function encode<Name extends MessageName>(name: Name, body: MessageBody<Name>): string {
    return encodeMessage(name, body, { boot, redact: options.redact });
  }

  function outgoing<Name extends MessageName>(
    name: Name,
    body: MessageBody<Name>,
    names?: TopicNames,
  ): Outgoing {
    const { qos, retain } = messageKinds[name];
    return { topic: topicOf(base, name, names), payload: encode(name, body), qos, retain };
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
    enqueue(outgoing("state", state));
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
    publish: (name, body, names) => guarded(() => enqueue(outgoing(name, body, names))),
    publishEnd: (job) => {
      outbox.remove(topicOf(base, "job", { job: job.id }));
      if (listener() !== undefined) ends.tell(job);
      guarded(() => enqueue(outgoing("jobLast", job)));
    },
    setState: (next) => {
      state = next;
      guarded(sayState);
    },
    dropped: outbox.dropped,
    stop: async (last, timeoutMs) => {
      stopping = true;
      clearTimeout(correction);
      delivery.reset();
      const client = listener();
      if (client !== undefined) {
        const endMs = performance.now() + timeoutMs;
        const quiet = drained(() => pump.isIdle() && ends.isIdle(), timeoutMs);
        const closed = quiet.then((isQuiet) => (isQuiet ? ends.close() : undefined));
        await within(timeoutMs, closed.catch(options.onProblem));
        const said = sendNow(client, outgoing("state", last)).catch(() => undefined);
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
