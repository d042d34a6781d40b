/**
 * Which files their writers have finished with, as the kernel tells it of a local folder. It tells of every process of the
 * machine, whoever runs it. It is no proof: of two openings that nothing lies between, it may tell as of one. So a
 * file is only taken sooner for it, where its structure says that it is whole too. Pure.
 */

/** What the kernel tells of a file; `path` is absolute. */
export type FileEvent =
  | {
      readonly kind: "made" | "opened" | "written" | "closed" | "closed-writer" | "left";
      readonly path: string;
    }
  /** Renamed: `cookie` joins where it left and where it came to. */
  | { readonly kind: "moved-from" | "moved-to"; readonly path: string; readonly cookie: number }
  /** A folder was renamed or removed: what was known below it holds no more. */
  | { readonly kind: "folder-made" | "folder-left"; readonly path: string }
  /** There were more events than the kernel holds. */
  | { readonly kind: "lost" };

/** How the writing of a file has ended: its last writer has closed it, or it was renamed into its place after that. */
export type WrittenEnd = "closed" | "renamed";

interface Followed {
  /** Openings that were told of and not yet closed. */
  openings: number;
  end: WrittenEnd | undefined;
}

/** What a scan asks of those who follow the writers of its folder's files. `source` as in a sighting. */
export interface WrittenEnds {
  /** Those of the sources of which it is known how their writing ended, and which no process that we see has open for writing. */
  readonly ended: (sources: readonly string[]) => Promise<ReadonlyMap<string, WrittenEnd>>;
  /** Whether nobody has opened it since. */
  readonly holds: (source: string, end: WrittenEnd) => boolean;
  /** A folder is being listed: its files are followed from now on. */
  readonly follow: (folder: string) => void;
}

/** More files than this are not followed: of the oldest nothing is known then. */
const mostFollowed = 100_000;

export function createWrittenFiles() {
  const followed = new Map<string, Followed>();
  let moving: { readonly cookie: number; readonly file: Followed } | undefined;

  function put(path: string, file: Followed): Followed {
    followed.delete(path);
    followed.set(path, file);
    const [oldest] = followed.keys();
    if (followed.size > mostFollowed && oldest !== undefined) followed.delete(oldest);
    return file;
  }
  const at = (path: string): Followed => followed.get(path) ?? put(path, { openings: 0, end: undefined });

  function close(path: string): Followed {
    const file = at(path);
    file.openings = Math.max(0, file.openings - 1);
    return file;
  }

  function note(event: FileEvent): void {
    switch (event.kind) {
      case "made":
        put(event.path, { openings: 0, end: undefined });
        return;
      case "opened":
        at(event.path).openings += 1;
        return;
      case "written":
        at(event.path).end = undefined;
        return;
      case "closed":
        close(event.path);
        return;
      case "closed-writer":
        close(event.path).end ??= "closed";
        return;
      case "left":
        followed.delete(event.path);
        return;
      case "moved-from": {
        const file = followed.get(event.path);
        moving = file && { cookie: event.cookie, file };
        followed.delete(event.path);
        return;
      }
      case "moved-to": {
        const before = moving?.cookie === event.cookie ? moving.file : undefined;
        const openings = before?.openings ?? 0;
        // One that is open still counts from its next end on.
        put(event.path, { openings, end: openings === 0 ? "renamed" : undefined });
        return;
      }
      case "folder-left":
        for (const path of followed.keys()) if (path.startsWith(`${event.path}/`)) followed.delete(path);
        return;
      case "folder-made":
        return;
      case "lost":
        followed.clear();
    }
  }

  return {
    note,
    /** undefined where it is not known that the file was written to its end, or where it is open. */
    endOf: (path: string): WrittenEnd | undefined => {
      const file = followed.get(path);
      return file === undefined || file.openings > 0 ? undefined : file.end;
    },
  };
}
