import type { ErrorReport } from "../../core/errors.ts";
import type { FileAccess } from "../../formats/file/atomic-file.ts";
import type { FolderConfig } from "../config/resolve.ts";
import type { Finding } from "../intake/finding.ts";
import type { ScanSettings, ScanSummary } from "../intake/scan.ts";
import type { KnownFile, WaitingSource } from "../intake/seen-files.ts";
import type { OldSource } from "../ledger/history.ts";
import type { drawPreview } from "./draw-preview.ts";
import type { WatchMode } from "./file-systems.ts";
import type { LeaseTimes } from "./lease.ts";
import type { LeaseHolder } from "./lease-file.ts";
import type { MarkOrder } from "./mark-earlier.ts";
import type { MoveOrder } from "./move-members.ts";
import type { MoveEnd } from "./move-source.ts";
import type { ExpireEnd, OwnResult } from "./own-result.ts";
import type { StandingAnswer, StandingQuestion } from "./standing-results.ts";
import type { SupersedeEnd, SupersedeOrder } from "./supersede-result.ts";
import type { SourceLook } from "./watched-folder.ts";

/** What the daemon and the process that does one folder's disk work say to each other. */

export interface FolderSettings
  extends Pick<FolderConfig, "path" | "output" | "moveTo" | "subfolders" | "ignore">,
    Pick<ScanSettings, "quietMs" | "looks" | "zeroTailMs" | "brokenMs" | "setQuietMs" | "pattern"> {
  /** Of results; folders that are made for them follow it. */
  readonly access: FileAccess;
  /** Make `path` where it is missing: only for the folder of the defaults, never below a mount point. */
  readonly makePath: boolean;
  /** The daemon, as others are told of it that share the folder. */
  readonly holder: LeaseHolder;
  /** Tests do not wait as long. */
  readonly leaseTimes?: LeaseTimes;
  readonly sweepMs: number;
  /** Whether files of a local disk are taken as soon as their writers have ended. */
  readonly early: boolean;
  /** No events are counted on, whatever file system it is. */
  readonly polling: boolean;
}

/** Things the process does on request, each with what it needs and what it answers. */
export interface FolderTasks {
  /** sha256 of all bytes of a source; `unreadable` where the disk does not give all of them, undefined where it is gone. */
  hash: { ask: { source: string }; answer: string | undefined };
  /** Whether the watch folder is there, and what lies there of an acquisition. */
  look: { ask: { members: readonly string[] }; answer: SourceLook };
  /** Those of the sources of which no file and no result is left; refused where a folder or a disk is away. */
  left: { ask: { sources: readonly OldSource[] }; answer: string[] };
  /**
   * Makes the folder that a result goes into, and tries to write there; answers how much room its disk has. `outputs`: names
   * under which a result of the source may stand.
   */
  prepare: { ask: { into: string; outputs?: readonly string[] }; answer: Room };
  /** What is to become of a job where something lies under the name of its result. */
  standing: { ask: StandingQuestion; answer: StandingAnswer };
  /** Removes what killed processes left half written in the folder of a result. */
  tidy: { ask: { into: string }; answer: undefined };
  /** Moves the files of an acquisition away, after its result was verified; refused where they have to stay. */
  move: { ask: Omit<MoveOrder, "folder" | "target" | "access">; answer: MoveEnd };
  /** Says beside a result that newer content has superseded it, or removes it; refused where its disk is away. */
  supersede: { ask: SupersedeOrder; answer: SupersedeEnd };
  /** Says beside results of which the ledger may not know that this one has superseded them. */
  markEarlier: { ask: MarkOrder; answer: undefined };
  /** Removes a result whose time is over; refused where its disk is away. */
  expire: { ask: OwnResult; answer: ExpireEnd };
  /** Before and after, as an 8-bit picture. */
  preview: {
    ask: { source: string; members: readonly string[]; output: string; series: number };
    answer: Awaited<ReturnType<typeof drawPreview>>;
  };
  /** The folder is given back: another daemon need not wait for it. Nothing is asked after that. */
  release: { ask: undefined; answer: undefined };
}
export type TaskName = keyof FolderTasks;

export interface Room {
  readonly freeBytes: number;
  /** The disk takes no new file: it can hold no more of them (no free inodes), whatever bytes are free. */
  readonly noFiles: boolean;
  /** Something lies under one of the names that were asked for. */
  readonly isTaken: boolean;
}

/** What the ledger knows of a folder. */
export interface FolderMemory {
  readonly known: readonly KnownFile[];
  /** Sources whose jobs wait for their files: they may have gone while nobody looked. */
  readonly waiting: readonly WaitingSource[];
  /** Where the disk of the watch folder was mounted when it was last seen; undefined: never yet. */
  readonly mountPoint: string | undefined;
  /** Where the disk of its results was mounted when it could last be written; undefined: never yet. */
  readonly outputMountPoint: string | undefined;
}

/** How the folder of the results stands, whatever the watch folder does. */
export type OutputState =
  | {
      readonly freeBytes: number;
      /** How many more files its disk can hold. */
      readonly freeFiles: number;
      readonly mountPoint: string;
      /** Where the disk for finished sources was mounted at the first look, where there is such a folder. */
      readonly targetMountPoint?: string;
      /** The longest name that its disk holds, in bytes. */
      readonly nameBytes: number;
    }
  | { readonly error: ErrorReport };

/** What the process does for the daemon. */
export interface FolderDuties extends FolderTasks {
  start: { ask: { settings: FolderSettings; memory: FolderMemory } };
}

/** What the daemon does for the process. */
export interface DaemonDuties {
  /** Whether the process is at work on the disk; said again at each bit of progress. */
  atWork: { ask: boolean };
  /**
   * A file came to rest or cannot be read. Answered once that is written down; the next is told then. False: a file of it
   * was gone before it could be compared, so nothing was written down and it is to be judged again.
   */
  finding: { ask: Finding; answer: boolean };
  swept: { ask: Swept };
  unreachable: { ask: ErrorReport };
}

export interface Swept {
  readonly mode: WatchMode;
  /** Where the disk of the watch folder is mounted. */
  readonly mountPoint: string;
  readonly summary: ScanSummary;
  readonly output: OutputState;
  /** Why other daemons that share the folder may not be noticed. */
  readonly unguarded: string | undefined;
}
