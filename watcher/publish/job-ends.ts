import type { JobBody } from "../../core/messages.ts";
import type { Delivery } from "./delivery-watch.ts";

/** What the ledger keeps of ends. */
export interface EndsMemory {
  readonly unpublished: (limit: number) => Promise<readonly JobBody[]>;
  readonly markPublished: (id: string) => Promise<void>;
}

export interface JobEndsOptions {
  readonly memory: EndsMemory;
  /** Gives the end to the broker; kept when the broker has confirmed it. */
  readonly send: (end: JobBody) => Promise<void>;
  /** Our state is to be said again, because its return shows that what was sent before it arrived. */
  readonly sayState: () => void;
  readonly onProblem: (error: Error) => void;
}

const replayBatch = 50;

/**
 * The ends of jobs. Each stays in the ledger until it has arrived, and is told again after that. Under MQTT 3.1.1 a broker
 * confirms also what it throws away because the user may not publish. So an end that was confirmed counts as told when our
 * own state, said after it, comes back; where this user cannot read it, the confirmation has to do.
 */
export function createJobEnds({ memory, send, sayState, onProblem }: JobEndsOptions) {
  const inFlight = new Set<string>();
  /** Confirmed since our state was said last; and for each state on its way, what was confirmed before it. */
  let fresh: string[] = [];
  let covered: string[][] = [];
  let delivery: Delivery | undefined;
  let replaying = false;

  const isPending = (id: string): boolean =>
    inFlight.has(id) || fresh.includes(id) || covered.some((ids) => ids.includes(id));

  async function give(end: JobBody): Promise<void> {
    inFlight.add(end.id);
    try {
      await send(end);
      // What a broker is known to throw away stays in the ledger.
      if (delivery !== "refused") fresh.push(end.id);
    } finally {
      inFlight.delete(end.id);
    }
    if (delivery === "accepted" || delivery === "unknown") await markAll();
  }

  async function mark(ids: readonly string[]): Promise<void> {
    for (const id of ids) await memory.markPublished(id);
  }

  function markAll(): Promise<void> {
    const ids = [...covered.flat(), ...fresh];
    [fresh, covered] = [[], []];
    return mark(ids);
  }

  async function replay(): Promise<void> {
    if (replaying) return;
    replaying = true;
    try {
      for (;;) {
        const ends = (await memory.unpublished(replayBatch)).filter(({ id }) => !isPending(id));
        if (ends.length === 0 || delivery === "refused") return;
        for (const end of ends) await give({ ...end, replayed: true });
        sayState();
      }
    } finally {
      replaying = false;
    }
  }

  /** A broken connection is no problem of ours: the next one replays. */
  const quietly = (work: Promise<void>): void => void work.catch(() => undefined);
  const loudly = (work: Promise<void>): void => void work.catch(onProblem);

  return {
    tell: (end: JobBody): void => {
      if (delivery !== "refused") quietly(give(end));
    },
    /** Tells what the ledger holds, as replayed, on a connection that may be used. */
    replay: (): void => quietly(replay()),
    /** Our state is given to the broker. */
    stateSaid: (): void => {
      if (delivery === "refused") return;
      covered.push(fresh);
      fresh = [];
    },
    /** Our state came back: all that was confirmed before it was said has arrived. */
    stateHeard: (): void => {
      const ids = covered.shift() ?? [];
      if (ids.length > 0) loudly(mark(ids).then(replay));
    },
    /** What is known of the connection; undefined after it is gone. */
    learnDelivery: (next: Delivery | undefined): void => {
      delivery = next;
      if (next === "accepted" || next === "unknown") loudly(markAll());
      if (next === "refused" || next === undefined) [fresh, covered] = [[], []];
    },
    isIdle: (): boolean => inFlight.size === 0,
    /** The daemon ends: what was confirmed is taken to have arrived where our state did last. */
    close: async (): Promise<void> => {
      if (delivery === "arrives") await markAll();
    },
  };
}
