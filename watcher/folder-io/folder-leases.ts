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
   * Takes both, or shows that they are still held; that of the results where `outputIsThere`. Answers why other daemons may
   * not be noticed; undefined where they are. Throws as `Lease.hold`.
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

function unguardedWords(watched: Hold, results: Hold): string | undefined {
  if (watched.kind === "held" && results.kind === "held") return undefined;
  if (watched.kind === "unguarded" && results.kind === "unguarded") {
    return `two workstations on this folder cannot be noticed, because neither it nor its results can be written (${watched.found})`;
  }
  return watched.kind === "unguarded"
    ? `another workstation on this folder is noticed only where it writes into the same results, because the folder cannot be written (${watched.found})`
    : "another workstation is noticed only where it watches the same folder, because the folder of the results cannot be written";
}
