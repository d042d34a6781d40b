import { createLease, type Hold, type Lease, leaseTimes } from "./lease.ts";
import type { LeaseHolder } from "./lease-file.ts";
import type { FolderSettings } from "./protocol.ts";

/** The leases of a watch folder and of its results: whoever works on it holds both. */

export type FolderLeases = ReturnType<typeof createFolderLeases>;

export function createFolderLeases(
  { path, output }: Pick<FolderSettings, "path" | "output">,
  holder: LeaseHolder,
  times = leaseTimes,
) {
  const now = (): number => performance.now();
  const watched = createLease(path, holder, times, now);
  const results = createLease(output, holder, times, now);

  /**
   * Takes both, or shows that they are still held; that of the results where `outputIsThere`. Answers why no other
   * daemon can be noticed; undefined where one can. Throws as `Lease.hold`.
   */
  async function hold(outputIsThere: boolean): Promise<string | undefined> {
    const one = await watched.hold();
    const other: Hold = outputIsThere ? await results.hold() : { kind: "held" };
    return unguardedWords(one, other);
  }

  return {
    hold,
    /** Each is renewed also while a sweep takes long. What it throws is met by the next `hold`. */
    keep: (): NodeJS.Timeout =>
      setInterval(() => {
        for (const lease of [watched, results] as const) lease.keep().catch(() => undefined);
      }, times.renewMs / 2),
    release: async (): Promise<void> => {
      await Promise.all([watched, results].map((lease: Lease) => lease.release()));
    },
  };
}

/** One of the two is enough for those who share both, and a service may only read its watch folder. */
function unguardedWords(watched: Hold, results: Hold): string | undefined {
  if (watched.kind === "held" || results.kind === "held") return undefined;
  return `two workstations on this folder cannot be noticed, because neither it nor its results take a lease (${watched.found})`;
}
