import { randomBytes } from "node:crypto";
import { topicBase } from "./topics.ts";

/** Who speaks to the broker: one start of a program, on behalf of an instance. */
export interface ClientIdentity {
  /** Names this start in each message. */
  readonly boot: string;
  /** All topics stand below it. */
  readonly base: string;
  readonly clientId: string;
}

export function clientIdentity(instance: string): ClientIdentity {
  const boot = randomBytes(8).toString("hex");
  return { boot, base: topicBase(instance), clientId: `cnnt-edge-${instance}-${boot.slice(0, 6)}` };
}
