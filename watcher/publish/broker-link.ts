import { connect, type IClientOptions, type MqttClient } from "mqtt";
import { type BackoffRule, backoffMs } from "../../core/backoff.ts";
import { reportOf, systemCode } from "../../core/errors.ts";
import { present } from "../../core/record.ts";
import { within } from "../../core/within.ts";

export type BrokerLink = ReturnType<typeof createBrokerLink>;

/** What lets a client in. */
export interface Login {
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** Certificate authority, PEM. */
  readonly ca: Buffer | undefined;
}

/** As the client takes it: only what there is. */
export function loginOptions({ username, password, ca }: Login): Pick<IClientOptions, keyof Login> {
  return present({ username, password, ca });
}

export interface BrokerLinkOptions {
  readonly url: string;
  readonly clientId: string;
  /** Asked for at each attempt; what it throws is the reason why there is no connection. */
  readonly login: () => Promise<Login>;
  /** Made anew for each attempt: it carries the time. Absent for who has no state to lose. */
  readonly will?: () => { topic: string; payload: string };
  /** A broker that answers nothing for one and a half times as long is lost. */
  readonly keepaliveS?: number;
  readonly onConnect: (client: MqttClient) => void;
  readonly onMessage: (topic: string, payload: Buffer, retained: boolean) => void;
  /** `closed`: the broker or the line ended a connection; otherwise there was none, or nothing came over it. */
  readonly onDown: (reason: string, closed: boolean) => void;
  /** Several short connections in a row: somebody takes our client id, or the broker throws us out. */
  readonly onFlapping: () => void;
}

const usualKeepaliveS = 15;
export const reconnect: BackoffRule = { firstMs: 1000, longestMs: 10_000 };
const connectTimeoutMs = 10_000;
/** Only a connection that stood for so long makes the next pause short again. */
const stableMs = 60_000;
const flapMs = 5_000;
const flapsTold = 3;
const endTimeoutMs = 2_000;

/**
 * The way to the broker: connects for ever, with a pause that grows and is rolled anew, and makes a fresh client
 * for each attempt. The client's own reconnecting has a fixed period, and its own store no bound.
 */
export function createBrokerLink(options: BrokerLinkOptions) {
  let current: MqttClient | undefined;
  let connectedAtMs: number | undefined;
  let failures = 0;
  let flaps = 0;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  function attempt(): void {
    options.login().then(
      (login) => {
        if (!stopped) open(login);
      },
      (error: unknown) => {
        if (!stopped) again(error instanceof Error ? reportOf(error).message : String(error), false);
      },
    );
  }

  function open(login: Login): void {
    const will = options.will?.();
    const settings: IClientOptions = {
      clientId: options.clientId,
      protocolVersion: 4,
      clean: true,
      keepalive: options.keepaliveS ?? usualKeepaliveS,
      reconnectPeriod: 0,
      connectTimeout: connectTimeoutMs,
      queueQoSZero: false,
      resubscribe: false,
      ...(will && { will: { ...will, payload: Buffer.from(will.payload), qos: 1, retain: true } }),
      ...loginOptions(login),
    };
    const client = connect(options.url, settings);
    current = client;
    client.on("connect", () => {
      connectedAtMs = performance.now();
      options.onConnect(client);
    });
    client.on("message", (topic, payload, packet) =>
      options.onMessage(topic, payload, packet.retain === true),
    );
    // Not only at "close", which comes later: until then the client refuses each message at once.
    client.on("error", (error) => {
      const code = systemCode(error);
      down(client, error.message === "" && code !== undefined ? code : error.message, code !== undefined);
    });
    client.on("close", () => down(client, "connection closed", true));
  }

  function down(client: MqttClient, reason: string, closed: boolean): void {
    if (client !== current) return;
    const stoodMs = connectedAtMs === undefined ? undefined : performance.now() - connectedAtMs;
    current = undefined;
    connectedAtMs = undefined;
    client.end(true);
    if (stopped) return;
    if (stoodMs !== undefined && stoodMs < flapMs) {
      flaps += 1;
      if (flaps === flapsTold) options.onFlapping();
    } else {
      flaps = 0;
    }
    if (stoodMs !== undefined && stoodMs >= stableMs) failures = 0;
    again(reason, closed);
  }

  function again(reason: string, closed: boolean): void {
    options.onDown(reason, closed);
    timer = setTimeout(attempt, backoffMs(reconnect, failures, Math.random()));
    failures += 1;
  }

  return {
    start: attempt,
    /** The client while messages can be given to it: connected, and not about to be closed. */
    client: (): MqttClient | undefined =>
      current?.connected === true && !current.disconnecting ? current : undefined,
    /** Ends the link for good, in two seconds at most; a connected client says DISCONNECT where the broker lets it. */
    stop: async (): Promise<void> => {
      stopped = true;
      clearTimeout(timer);
      const client = current;
      current = undefined;
      if (client === undefined) return;
      // `end(true)` would not say DISCONNECT, and the broker would send the last will.
      await within(endTimeoutMs, new Promise<void>((resolve) => client.end(false, () => resolve())));
      // A second `end` does nothing while the first waits for a broker that hangs.
      client.stream.destroy();
    },
  };
}
