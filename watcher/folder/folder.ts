import { type ErrorReport, errorFromReport, machineError, reportOf, visible } from "../../core/errors.ts";
import { present } from "../../core/record.ts";
import { nameLimits } from "../../formats/file/name-limit.ts";
import { descriptionNames } from "../../formats/image-name.ts";
import { type FolderConfig, type ModelChoice, patternOf } from "../config/resolve.ts";
import type { SettleConfig } from "../config/schema.ts";
import type { DaemonLog } from "../events/daemon-log.ts";
import type { Events } from "../events/event-map.ts";
import { createFolderIo } from "../folder-io/host.ts";
import type { LeaseHolder } from "../folder-io/lease-file.ts";
import type { OutputState } from "../folder-io/protocol.ts";
import { resultAccess } from "../folder-io/result-folder.ts";
import type { Finding } from "../intake/finding.ts";
import type { WholeOptions } from "../ledger/admission.ts";
import { isOutputFault } from "../ledger/held-faults.ts";
import type { Admission, Job } from "../ledger/job.ts";
import type { Ledger } from "../ledger/ledger.ts";
import {
  type FolderFacts,
  folderState,
  hasRoom,
  isLeased,
  isOpen,
  type SeenSource,
  waitingWords,
} from "./folder-state.ts";
import { readPinned } from "./pinned-calibrations.ts";

/**
 * What the configuration says of a watch folder, with what it names: files of calibrations, a group. Throws `EdgeError`
 * (`usage`) where a calibration cannot be read, or the group does not exist.
 */
export async function readFolder(config: FolderConfig) {
  /** `access`: of results. */
  const [pinned, access] = await Promise.all([readPinned(config), resultAccess(config)]);
  return { config, pinned, access };
}

export type Folder = ReturnType<typeof createFolder>;

export interface FolderOptions extends Awaited<ReturnType<typeof readFolder>> {
  /** The daemon's; the folder's own times come before them. */
  readonly settle: SettleConfig;
  readonly makePath: boolean;
  /** The daemon, as others are told of it that share the folder. */
  readonly holder: LeaseHolder;
  readonly ledger: Ledger;
  readonly log: DaemonLog;
  /** As `FolderIoOptions` has it. */
  readonly hangMs?: number;
}

const folderTaken = "no other daemon works on the folder any more; this one does";

type FullFor = NonNullable<FolderFacts["full"]>;

/** A disk that refuses what it claims to have room for is told again after it was in order for this. */
const fullAgainMs = 10 * 60_000;

/** Of a file that is there. */
type SeenFinding = Extract<Finding, { sighting: unknown }>;

/**
 * One watch folder at work: what its process finds goes into the ledger, what is known of it is kept here. Tells
 * `folderChanged`, and `jobChanged` for what its findings made of jobs.
 */
export function createFolder(events: Events, options: FolderOptions) {
  const { ledger, log } = options;
  let { config } = options;
  const settle: SettleConfig = { ...options.settle, ...present(config.settle) };
  const tellChange = (): void => events.tell("folderChanged", { folder: config.name });
  let facts: FolderFacts = {};
  let lastSeen: string | undefined;
  /** For which reasons (codes) it was told of a file that it waits. */
  const toldWaiting = new Map<string, Set<string>>();
  let unsettled: { count: number; oldestReason?: string } = { count: 0 };

  function learn(news: Partial<{ [Fact in keyof FolderFacts]: FolderFacts[Fact] | undefined }>): void {
    const next: FolderFacts = present({ ...facts, ...news });
    const changed = JSON.stringify(next) !== JSON.stringify(facts);
    facts = next;
    if (facts.full !== undefined) tellFull(facts.full);
    if (changed) tellChange();
  }

  let toldFull: { readonly why: string; readonly atMs: number } | undefined;
  function tellFull(full: FullFor): void {
    const why = full.noFiles ? "files" : (full.refused?.message ?? "bytes");
    const atMs = performance.now();
    // A disk that claims to have room is tried now and then, and is full again.
    const isNews = toldFull?.why !== why || atMs - toldFull.atMs > fullAgainMs;
    toldFull = { why, atMs };
    if (isNews) {
      const { reason, remedy = "" } = folderState({ full });
      log.warn(
        machineError(`the folder waits, because its disk is full: ${reason}`, {
          code: "folder-full",
          file: config.output,
          remedy,
          retryable: true,
        }),
        { folder: config.name },
      );
    }
  }

  const moves = config.moveTo !== undefined;
  /** undefined where a file was gone before it could be compared. */
  async function admit(finding: Finding): Promise<readonly Job[] | undefined> {
    if (finding.kind === "gone" || finding.kind === "part") {
      toldWaiting.delete(finding.source);
      return finding.kind === "gone"
        ? ledger.gone(config.name, finding.source)
        : ledger.partOf(config.name, finding.source, finding.of);
    }
    const { sighting } = finding;
    if (finding.kind !== "broken") toldWaiting.delete(sighting.source);
    let admission = await note(finding, { moves });
    if (admission.kind === "touched") {
      const wholeHashes: Record<string, string> = {};
      for (const source of admission.sources) {
        const hash = await io.ask("hash", { source });
        if (hash === undefined) return undefined;
        wholeHashes[source] = hash;
      }
      admission = await note(finding, { wholeHashes, moves });
    }
    if (admission.kind !== "changed") return [];
    if (finding.kind === "broken") tellWaiting(sighting.source, finding.error);
    else if (finding.kind === "refused") {
      log.warn(errorFromReport(finding.error), { folder: config.name, ended: true });
    }
    return admission.jobs;
  }

  function note(finding: SeenFinding, options: WholeOptions): Promise<Admission> {
    const { kind, sighting } = finding;
    if (kind === "broken") return ledger.admitBroken(config.name, sighting, finding.error, options);
    if (kind === "refused") return ledger.admitRefused(config.name, sighting, finding.error, options);
    return ledger.admitWhole(config.name, sighting, finding.facts, options);
  }

  /** A file that is being written may wait for other reasons in turn: each is told once. */
  function tellWaiting(source: string, error: ErrorReport): void {
    // What a person has to mend does not end by time.
    if (error.kind === "machine") {
      log.warn(errorFromReport(error), { folder: config.name });
      return;
    }
    const told = toldWaiting.get(source) ?? new Set();
    if (told.has(error.code)) return;
    toldWaiting.set(source, told.add(error.code));
    log.info(visible(waitingWords(source, error, settle)));
  }

  /** Results cannot be written into this folder (the output or one below it): no job runs until they can. */
  function cannotWrite(error: ErrorReport, into: string, source?: SeenSource): void {
    if (facts.unwritable?.error.message !== error.message) {
      log.warn(errorFromReport(error), { folder: config.name });
    }
    learn({ unwritable: { error, into, ...present({ source }) } });
  }

  const mountPoints = new Map<string, string>();
  async function rememberMountPoint(path: string, mountPoint: string): Promise<void> {
    if (mountPoints.get(path) === mountPoint) return;
    mountPoints.set(path, mountPoint);
    await ledger.rememberMountPoint(config.name, path, mountPoint);
  }

  /** Before the first source is moved: the disk may be gone by then. What moves have found stands. */
  async function rememberTarget(mountPoint: string | undefined): Promise<void> {
    const { name, moveTo } = config;
    if (moveTo === undefined || mountPoint === undefined || mountPoints.has(moveTo)) return;
    mountPoints.set(moveTo, mountPoint);
    if ((await ledger.mountPoint(name, moveTo)) !== undefined) return;
    await ledger.rememberMountPoint(name, moveTo, mountPoint);
  }

  let nameBytes: number = nameLimits.usual;
  async function learnOutput(output: OutputState): Promise<void> {
    if ("error" in output) return;
    nameBytes = output.nameBytes;
    await rememberMountPoint(config.output, output.mountPoint);
    await rememberTarget(output.targetMountPoint);
    const { unwritable } = facts;
    if (unwritable !== undefined) {
      let news = "results can be written again";
      try {
        await io.ask("prepare", { into: unwritable.into });
      } catch (error) {
        // A process that hangs or ended is told as unreachable; the next sweep asks again.
        const { into, source } = unwritable;
        if (source === undefined || (await isStillThere(source))) {
          if (isOutputFault(reportOf(error))) cannotWrite(reportOf(error), into, source);
          return;
        }
        news = "the source whose result could not be written is gone";
      }
      if (facts.unwritable === unwritable) {
        log.info(`${config.name}: ${news}`);
        learn({ unwritable: undefined });
      }
    }
    const { full } = facts;
    if (full === undefined) return;
    const roomy = hasRoom(full, output, performance.now());
    const isOver = roomy || !(await isStillThere(full.source));
    // Another sweep may have told it meanwhile.
    if (isOver && facts.full === full) {
      // Where the disk claimed to have room all the time, only the next attempt tells.
      if (full.refused === undefined) {
        log.info(`${config.name}: ${roomy ? "there is room again" : "what needed the room is gone"}`);
        toldFull = undefined;
      }
      learn({ full: undefined });
      await ledger.wake(config.name);
      tellChange();
    }
  }

  async function isStillThere({ members, sizeBytes, mtimeMs }: SeenSource): Promise<boolean> {
    // A folder that cannot be looked at tells so by itself.
    const look = await io.ask("look", { members }).catch(() => undefined);
    if (look?.kind !== "there") return look?.kind !== "gone";
    return look.sizeBytes === sizeBytes && look.mtimeMs === mtimeMs;
  }

  const io = createFolderIo({
    ...present({ hangMs: options.hangMs }),
    settings: {
      path: config.path,
      output: config.output,
      moveTo: config.moveTo,
      access: options.access,
      makePath: options.makePath,
      holder: options.holder,
      subfolders: config.subfolders,
      // By a pattern, the files are what their names say.
      ignore: config.pattern === null ? config.ignore : [...config.ignore, ...descriptionNames],
      quietMs: settle.quiet_s * 1000,
      looks: settle.looks,
      zeroTailMs: settle.zero_tail_s * 1000,
      brokenMs: settle.broken_s * 1000,
      setQuietMs: settle.set_quiet_s * 1000,
      pattern: patternOf(config),
      sweepMs: settle.sweep_s * 1000,
      early: settle.early,
      polling: config.polling,
    },
    events: {
      memory: async () => ({
        known: await ledger.knownFiles(config.name),
        waiting: await ledger.waitingFiles(config.name),
        mountPoint: await ledger.mountPoint(config.name, config.path),
        outputMountPoint: await ledger.mountPoint(config.name, config.output),
      }),
      onFinding: async (finding) => {
        const jobs = await admit(finding);
        for (const job of jobs ?? []) events.tell("jobChanged", job);
        return jobs !== undefined;
      },
      onSwept: ({ mode, mountPoint, summary, output, unguarded }) => {
        lastSeen = new Date().toISOString();
        const { unsettled: count, oldestReason, blind } = summary;
        if (blind !== undefined && facts.blind?.error.message !== blind.error.message) {
          log.warn(errorFromReport(blind.error), { folder: config.name });
        }
        const before = JSON.stringify(unsettled);
        unsettled = { count, ...present({ oldestReason }) };
        // Before the rest: a folder that is open for a moment would start a job.
        if ("error" in output) cannotWrite(output.error, config.output);
        learnOutput(output).catch(log.error);
        rememberMountPoint(config.path, mountPoint).catch(log.error);
        if (isLeased(facts.unreachable)) log.info(`${config.name}: ${folderTaken}`);
        if (unguarded !== undefined && unguarded !== facts.unguarded) {
          log.info(`${config.name}: ${unguarded}`);
        }
        learn({ mode, blind, unguarded, unreachable: undefined });
        if (before !== JSON.stringify(unsettled)) tellChange();
      },
      onUnreachable: (error) => {
        if (facts.unreachable?.message !== error.message)
          log.warn(errorFromReport(error), { folder: config.name });
        learn({ unreachable: error });
      },
    },
  });

  return {
    /** When its files count as written. */
    settle,
    get config(): FolderConfig {
      return config;
    },
    /** From now on its models are these. */
    choose: (choice: ModelChoice): void => {
      config = { ...config, ...choice };
    },
    pinned: options.pinned,
    access: options.access,
    io,
    facts: () => facts,
    lastSeen: () => lastSeen,
    /** Files that are not yet at rest, and so not yet in the ledger. */
    unsettled: () => unsettled,
    isOpen: () => isOpen(facts),
    /** The longest name that a result may have, in bytes. */
    nameBytes: () => nameBytes,
    learn,
    cannotWrite,
  };
}
