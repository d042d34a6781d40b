import { largestMessageBytes, type StateBody } from "../../core/messages.ts";
import { isRecord } from "../../core/record.ts";

/** What a message under our own `state` topic says, whoever sent it; undefined where it is too long to be one. */
export function parseState(payload: Buffer): { state: unknown; boot: unknown } | undefined {
  if (payload.byteLength > largestMessageBytes) return undefined;
  try {
    const value: unknown = JSON.parse(payload.toString("utf8"));
    if (isRecord(value)) return { state: value["state"], boot: value["boot"] };
  } catch {
    // It is not even JSON.
  }
  // An empty or foreign payload hides the truth as well as "offline" does.
  return { state: "offline", boot: undefined };
}

/** Before anything is known. */
export const initialState: StateBody = {
  state: "online",
  since: new Date(0).toISOString(),
  heartbeat_s: 30,
  engine: "warming",
};
