import { type ErrorReport, hasCode } from "../../core/errors.ts";
import type { FolderStateBody } from "../../core/messages.ts";
import { withoutOwnName } from "../../core/own-name.ts";
import { present } from "../../core/record.ts";
import type { NoiseCheck } from "../../runtime/intensity/noise-check.ts";
import type { SettleConfig } from "../config/schema.ts";
import type { WatchMode } from "../folder-io/file-systems.ts";
import type { BlindSpots } from "../intake/sweep.ts";
import type { Job } from "../ledger/job.ts";
import { noiseBody } from "../messages/job-message.ts";

/** What a job was made for, as it was seen; where it is gone or another, nothing waits for its result. */
export type SeenSource = Pick<Job, "members" | "sizeBytes" | "mtimeMs">;

/** What is known of a folder; each fact is set and cleared by whoever observes it. */
export interface FolderFacts {
  readonly modelError?: ErrorReport;
  readonly unreachable?: ErrorReport;
  /**
   * Results cannot be written: why, the folder of a result in which that is tried again at each sweep, and whose result that
   * is; absent where it is the folder of all.
   */
  readonly unwritable?: {
    readonly error: ErrorReport;
    readonly into: string;
    readonly source?: SeenSource;
  };
  /**
   * A result of so many bytes found no room. `refused` where the disk claims to have enough, as with a quota: then
   * only another attempt tells, not before `notBeforeMs` (of performance.now).
   */
  readonly full?: {
    neededBytes: number;
    freeBytes: number;
    /** The disk can hold no more files, whatever bytes are free. */
    noFiles: boolean;
    /** What found no room. */
    source: SeenSource;
    refused?: { message: string; notBeforeMs: number };
  };
  /** A person paused it, since then (RFC 3339). */
  readonly paused?: { readonly since: string };
  readonly mode?: WatchMode;
  /** Subfolders that cannot be looked into; everything else goes on. */
  readonly blind?: BlindSpots;
  /** Why other daemons that share the folder may not be noticed. */
  readonly unguarded?: string;
  /** Its model is not the one that the pinned calibration was made with: that sentence. */
  readonly otherModel?: string;
  /** The newest acquisition that was compared with a pinned calibration. */
  readonly compared?: {
    readonly job: string;
    readonly source: string;
    readonly noise: readonly NoiseCheck[];
  };
}

/** The one state that a person should hear, most urgent first. Pure. */
export function folderState(facts: FolderFacts): Pick<FolderStateBody, "state" | "reason" | "remedy"> {
  const { modelError, unreachable, unwritable, full, paused, mode, blind, unguarded } = facts;
  if (modelError !== undefined) {
    const { remedy = "Correct the model" } = modelError;
    return inTrouble("error", { ...modelError, remedy: `${remedy}. Then the folder goes on by itself` });
  }
  if (unreachable !== undefined) {
    return inTrouble(isLeased(unreachable) ? "error" : "unreachable", unreachable);
  }
  if (unwritable !== undefined) return inTrouble("error", unwritable.error);
  if (full?.noFiles === true) {
    return {
      state: "full",
      reason: "the disk of the results can hold no more files (it has no free inodes)",
      remedy:
        "Delete files that nobody needs from the disk of the results, or use a disk that can hold more files. The folder goes on by itself",
    };
  }
  if (full !== undefined) {
    const needed = `the next result needs ${mib(full.neededBytes, Math.ceil)} with the reserve, ${mib(full.freeBytes, Math.floor)} are free`;
    return {
      state: "full",
      reason: full.refused?.message ?? needed,
      remedy:
        "Free some space on the disk of the results, or lower jobs.reserve_mib. The folder goes on by itself",
    };
  }
  if (mode === undefined) return { state: "starting" };
  if (paused !== undefined) {
    return {
      state: "paused",
      reason: `a person paused it at ${paused.since}; new files are noted, and no job begins`,
      remedy: "cnnt-edge queue resume, with the folder's name",
    };
  }
  const state = mode.events ? "watching" : "polling";
  const why = unguarded === undefined ? mode.why : `${mode.why}; ${unguarded}`;
  if (blind === undefined) return { state, reason: why };
  const { message, remedy } = blind.error;
  const others = blind.count === 1 ? "" : ` (and ${blind.count - 1} more)`;
  return {
    state,
    reason: `${message}${others}; everything else goes on`,
    ...present({ remedy }),
  };
}

/** What a person should do about the folder, or undefined while it needs nobody. Pure. */
export function troubleOf(facts: FolderFacts): string | undefined {
  const { state, reason = "" } = folderState(facts);
  if (state === "unreachable" || state === "full" || state === "error") return `is ${state}: ${reason}`;
  return state !== "starting" && facts.blind !== undefined ? reason : undefined;
}

/** Another daemon works on the folder, or may. */
export function isLeased(error: ErrorReport | undefined): boolean {
  return error !== undefined && hasCode(error, "folder-leased", "folder-lease-lost");
}

function inTrouble(state: "error" | "unreachable", { message, remedy }: ErrorReport) {
  return { state, reason: message, ...present({ remedy }) };
}

/** Whether a folder whose disk was full has room by now. */
export function hasRoom(
  full: NonNullable<FolderFacts["full"]>,
  { freeBytes, freeFiles }: { readonly freeBytes: number; readonly freeFiles: number },
  nowMs: number,
): boolean {
  if (full.noFiles && freeFiles === 0) return false;
  return freeBytes >= full.neededBytes && nowMs >= (full.refused?.notBeforeMs ?? 0);
}

/** Whether its disks do: what is done can be seen to, also where no job runs. */
export function disksAnswer({ mode, unreachable, unwritable }: FolderFacts): boolean {
  return mode !== undefined && unreachable === undefined && unwritable === undefined;
}

/** Whether jobs of the folder may run. */
export function isOpen(facts: FolderFacts): boolean {
  return (
    facts.modelError === undefined &&
    facts.unreachable === undefined &&
    facts.unwritable === undefined &&
    facts.full === undefined &&
    facts.paused === undefined &&
    facts.mode !== undefined
  );
}

/** How a folder stands against the calibrations that are pinned to it. */
export function againstPinned({ otherModel, compared }: FolderFacts): FolderStateBody["calibration"] {
  const noisy = compared?.noise.flatMap(({ warning }) => (warning === undefined ? [] : [warning])) ?? [];
  return {
    warnings: [...(otherModel === undefined ? [] : [otherModel]), ...noisy],
    ...present({ newest: compared && { ...compared, noise: noiseBody(compared.noise) } }),
  };
}

/** Rounded so that what is needed is more than what is free in words too. */
function mib(bytes: number, round: (value: number) => number): string {
  return `${round(bytes / 2 ** 20)} MiB`;
}

/** What a person is told when a file at rest begins to wait because it cannot be read whole: why, and until when. Pure. */
export function waitingWords(source: string, error: ErrorReport, settle: SettleConfig): string {
  const isTaken = hasCode(error, "file-zero-tail") && settle.zero_tail_s < settle.broken_s;
  const taken = (seconds: number): string => `it is taken after ${spoken(seconds)}`;
  const end = isTaken
    ? taken(settle.zero_tail_s)
    : hasCode(error, "pattern-may-grow")
      ? taken(settle.set_quiet_s)
      : `it fails after ${spoken(settle.broken_s)}`;
  return `${source} waits: ${withoutOwnName(error.message, source)}; ${end} without a change`;
}

/** "90 s", "5 min": as it is configured, in whole minutes where that says the same. */
function spoken(seconds: number): string {
  return seconds > 0 && seconds % 60 === 0 ? `${seconds / 60} min` : `${seconds} s`;
}

/**
 * An error of a job in the words of the daemon, whose user gave no names, tiles and channels but in the configuration. Pure.
 */
export function inWordsOfFolder(error: ErrorReport, folder: string): ErrorReport {
  const again = "touch the source: the daemon then takes it again";
  if (hasCode(error, "output-is-folder")) return { ...error, remedy: `Move that folder away, and ${again}` };
  if (hasCode(error, "tile-size", "overlap-too-wide")) {
    const options = `folders[].tile and folders[].overlap of the folder ${folder} in the configuration`;
    return { ...error, remedy: `Change ${options}, start the daemon again, and ${again}` };
  }
  if (!hasCode(error, "channel-unknown")) return error;
  const change = `Change folders[].channels of the folder ${folder} in the configuration, and ${again}`;
  return { ...error, remedy: error.remedy === undefined ? change : `${error.remedy}. ${change}` };
}
