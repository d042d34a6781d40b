/**
 * Whether what is published reaches the broker's readers. Under MQTT 3.1.1 a broker confirms also what it throws
 * away because the user may not publish, so our own state is expected back; where it does not come, the broker is
 * asked by another way.
 *
 * - `arrives`: our own state came back;
 * - `accepted`: it did not (this user may not read it), but the broker says that it takes what we publish;
 * - `refused`: the broker says that this user may not publish;
 * - `unknown`: it did not come back, and the broker says nothing.
 */
export type Delivery = "arrives" | "accepted" | "refused" | "unknown";

export interface DeliveryWatch {
  /** Our state is given to the broker. */
  readonly said: () => void;
  /** Our state came back. */
  readonly heard: () => void;
  /** The connection is gone: what was known is no longer. */
  readonly reset: () => void;
  /** Undefined until something is known of this connection. */
  readonly verdict: () => Delivery | undefined;
}

export interface DeliveryWatchOptions {
  /** So long may our state be under way. */
  readonly echoMs: number;
  /** The other way. Never rejects. */
  readonly ask: () => Promise<Exclude<Delivery, "arrives">>;
  /** Called when it changes, and with the first of each connection. */
  readonly onVerdict: (verdict: Delivery) => void;
  readonly now?: () => number;
}

/** A user that may publish but not read is not asked for at each heartbeat. */
const askAgainMs = 5 * 60_000;

export function createDeliveryWatch({
  echoMs,
  ask,
  onVerdict,
  now = () => performance.now(),
}: DeliveryWatchOptions): DeliveryWatch {
  let verdict: Delivery | undefined;
  let timer: NodeJS.Timeout | undefined;
  let askedMs = Number.NEGATIVE_INFINITY;
  /** Answers that belong to an earlier connection, or came after our state did, are dropped. */
  let question = 0;

  function conclude(next: Delivery): void {
    if (next === verdict) return;
    verdict = next;
    onVerdict(next);
  }

  async function missed(): Promise<void> {
    timer = undefined;
    if (verdict === "accepted" && now() - askedMs < askAgainMs) return;
    askedMs = now();
    const mine = ++question;
    const answer = await ask();
    if (mine === question) conclude(answer);
  }

  function forget(): void {
    clearTimeout(timer);
    timer = undefined;
    question += 1;
  }

  return {
    said: () => {
      timer ??= setTimeout(() => void missed(), echoMs);
    },
    heard: () => {
      forget();
      conclude("arrives");
    },
    reset: () => {
      forget();
      verdict = undefined;
    },
    verdict: () => verdict,
  };
}
