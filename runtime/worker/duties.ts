import type { EdgeErrorFields, ErrorKind } from "../../core/errors.ts";

/**
 * What one side of a channel does for the other, by name. Each user writes two such types, one for each side; they are the
 * whole protocol, and nothing of them is left at run time: both sides are ours.
 */
export interface Duty {
  readonly ask: unknown;
  /** Absent where the other side is only told, and waits for nothing. */
  readonly answer?: unknown;
  /** What is told to the asker before the answer. */
  readonly event?: unknown;
}

export type Duties<D> = { readonly [Name in keyof D]: Duty };

/** The names of what is asked and answered; the others are told. */
export type Asked<D> = { [Name in keyof D]: D[Name] extends { answer: unknown } ? Name : never }[keyof D];
export type Told<D> = Exclude<keyof D, Asked<D>>;

export type AnswerOf<D> = D extends { readonly answer: infer Answer } ? Answer : never;
export type EventOf<D> = D extends { readonly event: infer Event } ? Event : never;

/** What a side needs to do all that the other may want of it. */
export type Handlers<D extends Duties<D>> = {
  readonly [Name in keyof D]: Name extends Asked<D>
    ? (
        ask: D[Name]["ask"],
        request: Request<EventOf<D[Name]>>,
      ) => AnswerOf<D[Name]> | Promise<AnswerOf<D[Name]>>
    : (told: D[Name]["ask"]) => void;
};

/** A request that is being served. */
export interface Request<Event> {
  /** Raised when the asker gives the request up, or is gone. It is answered all the same, by an error as a rule. */
  readonly signal: AbortSignal;
  readonly tell: (event: Event) => void;
}

/** The other side, as a channel's user sees it. */
export interface Peer<D extends Duties<D>> {
  /** Settles exactly once: with the answer, with the other side's error, or, where the other side ends before, with that. */
  readonly ask: <Name extends Asked<D>>(
    name: Name,
    ask: D[Name]["ask"],
    options?: AskOptions<EventOf<D[Name]>>,
  ) => Promise<AnswerOf<D[Name]>>;
  readonly tell: <Name extends Told<D>>(name: Name, told: D[Name]["ask"]) => void;
  /** Says and hears nothing more; whatever was or will be asked is refused with `error`. */
  readonly end: (error: Error) => void;
}

export interface AskOptions<Event> {
  /** Gives the request up: the other side hears of it and still answers. Before anything was sent, nothing is. */
  readonly signal?: AbortSignal | undefined;
  readonly onEvent?: (event: Event) => void;
}

/** A way to another thread or process of ours. What is sent is copied; threads may share memory (`SharedArrayBuffer`). */
export interface Channel {
  readonly send: (message: Message) => void;
  /** `ended` is called when the other side is gone, perhaps more than once. */
  readonly listen: (receive: (message: unknown) => void, ended: (end: End) => void) => void;
}

export interface End {
  /** In words: "exit code 1", "ended by SIGSEGV". */
  readonly how: string;
  readonly cause?: unknown;
}

/** What goes through a channel. */
export type Message =
  | { readonly kind: "ask"; readonly id: number; readonly name: PropertyKey; readonly value: unknown }
  | { readonly kind: "tell"; readonly name: PropertyKey; readonly value: unknown }
  | { readonly kind: "cancel"; readonly id: number }
  | { readonly kind: "event"; readonly id: number; readonly value: unknown }
  | { readonly kind: "answer"; readonly id: number; readonly value: unknown }
  | { readonly kind: "refusal"; readonly id: number; readonly error: SentError };

/** An error on its way: cloning would keep no more than its message. Without `kind`: a defect of ours. */
export interface SentError {
  readonly message: string;
  readonly kind?: ErrorKind;
  readonly fields?: EdgeErrorFields;
}
