import { formatError } from "../../core/errors.ts";
import type { Watched } from "./settle.ts";

/** Files of sets whose description is missing: it may be written last of all, hours after the first of them. */
export function createAwaitedDescriptions() {
  /** Since when the newest file that waits for a description looks as it does; by the name of the description. */
  const newestSinceMs = new Map<string, number>();
  return {
    /** For how long no file that waits for `describer` has changed, this one among them. */
    quietMs: (describer: string, { sinceMs, lastMs }: Watched): number => {
      const newestMs = Math.max(sinceMs, newestSinceMs.get(describer) ?? sinceMs);
      newestSinceMs.set(describer, newestMs);
      return Math.max(0, lastMs - newestMs);
    },
    came: (describer: string): void => {
      newestSinceMs.delete(describer);
    },
    /** Forgets the descriptions for which no file waits any more. */
    keepAwaited: (awaited: ReadonlySet<string>): void => {
      for (const describer of newestSinceMs.keys()) {
        if (!awaited.has(describer)) newestSinceMs.delete(describer);
      }
    },
  };
}

export function withoutDescription(file: string, describedBy: string) {
  return formatError(
    "the file is one plane or more of a set, and the file that describes the set is missing",
    {
      code: "set-undescribed",
      file,
      found: `no ${describedBy}`,
      remedy: "Copy the whole set into this folder",
    },
  );
}
