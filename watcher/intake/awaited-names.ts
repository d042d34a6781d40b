import type { ToldReason } from "./seen-files.ts";

/** Files of a set that waits in the name of a file that is not there yet. */
export interface AwaitedName {
  /** Those that are known. */
  readonly files: Set<string>;
  /** Since when the newest of them looks as it does (milliseconds of the scan's clock). */
  newestMs: number;
  told?: ToldReason;
}

export type AwaitedNames = ReturnType<typeof createAwaitedNames>;

/**
 * Sets that wait for the file that stands for them: their description, which may be written last of all, hours after the first of
 * their files, or the first file by name. What is told of them is told once, in the name of that file.
 */
export function createAwaitedNames() {
  const names = new Map<string, AwaitedName>();
  return {
    /** The file waits for `name`, and looks as it does since `sinceMs`. */
    join: (name: string, source: string, sinceMs: number): AwaitedName => {
      const awaited = names.get(name) ?? { files: new Set(), newestMs: sinceMs };
      awaited.files.add(source);
      awaited.newestMs = Math.max(awaited.newestMs, sinceMs);
      names.set(name, awaited);
      return awaited;
    },
    /** The file belongs to what `other` stands for. Answers the names in which it was told that it waits, and no other file does. */
    leave: (source: string, other: string): string[] => {
      const left: string[] = [];
      for (const [name, { files, told }] of names) {
        if (name === other || !files.delete(source) || files.size > 0) continue;
        names.delete(name);
        if (told !== undefined) left.push(name);
      }
      return left;
    },
    /** Forgets files that are not there, and names that are. Answers those of which it was told and for which no file waits any more. */
    keep: (isThere: (source: string) => boolean): string[] => {
      const gone: string[] = [];
      for (const [name, { files, told }] of names) {
        for (const source of files) if (!isThere(source)) files.delete(source);
        if (files.size > 0 && !isThere(name)) continue;
        names.delete(name);
        if (told !== undefined && !isThere(name)) gone.push(name);
      }
      return gone;
    },
  };
}
