import { machineError, usageError } from "../../core/errors.ts";
import { present } from "../../core/record.ts";
import type { Events } from "../events/event-map.ts";
import type { Folder } from "../folder/folder.ts";
import type { Job } from "../ledger/job.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { Model } from "../models/models.ts";
import { claimedJob, jobOrder, verifiedModels } from "./job-order.ts";
import { type ClaimedJob, claimMs, type JobQueue } from "./job-queue.ts";

export interface LedgerQueueOptions {
  readonly ledger: Pick<
    Ledger,
    "peek" | "start" | "finish" | "freeNames" | "finishKnown" | "end" | "again" | "retry" | "skip"
  >;
  /** Whether the ledger can be written: where it cannot, no job is given out. */
  readonly mayNote: () => boolean;
  readonly folders: readonly Folder[];
  /** As they were verified. */
  readonly models: () => readonly Model[];
  readonly now?: () => number;
}

/**
 * The queue of one daemon: the ledger says which job is next and keeps what becomes of it. Claims are held in memory, because
 * its workers end with the process; the next start gives back what was running (`job-life.ts`, `recover`).
 */
export function createLedgerQueue(
  events: Events,
  { ledger, mayNote, folders, models, now = () => performance.now() }: LedgerQueueOptions,
): JobQueue {
  const paused = new Set<string>();
  /** By the job's id: whose it is, and until when. */
  const claims = new Map<string, { readonly claim: ClaimedJob; untilMs: number }>();
  /** The folder that was served last stands last. */
  let turns = [...folders];

  function isClaimed(id: string): boolean {
    return (claims.get(id)?.untilMs ?? Number.NEGATIVE_INFINITY) > now();
  }

  function hold<Claim extends ClaimedJob>(claim: Claim): Claim {
    claims.set(claim.job.id, { claim, untilMs: now() + claimMs });
    return claim;
  }

  function isOwn(claim: ClaimedJob): boolean {
    return claims.get(claim.job.id)?.claim === claim;
  }

  function mustBeOwn(claim: ClaimedJob): void {
    if (isOwn(claim)) return;
    throw machineError("another worker has claimed the job since", {
      code: "job-claim-lost",
      found: claim.job.id,
    });
  }

  function folderOf({ folder }: Job): Folder {
    const found = folders.find(({ config }) => config.name === folder);
    if (found !== undefined) return found;
    throw machineError("no watch folder has the job's name", { code: "job-folder-unknown", found: folder });
  }

  /** What the ledger made of a claimed job ends the claim. */
  async function settle(claim: ClaimedJob, write: () => Promise<Job>): Promise<Job> {
    mustBeOwn(claim);
    const after = await write();
    claims.delete(claim.job.id);
    return after;
  }

  const tell = (job: Job): void => events.tell("jobChanged", job);

  return {
    claim: async () => {
      if (!mayNote()) return undefined;
      for (const folder of turns) {
        const { name, order } = folder.config;
        if (paused.has(name)) continue;
        const peek = () => ledger.peek(name, order, [...claims.keys()].filter(isClaimed));
        let job = await peek();
        // Another worker may have claimed it while the ledger was asked.
        while (job !== undefined && isClaimed(job.id)) job = await peek();
        if (job === undefined) continue;
        turns = [...turns.filter((other) => other !== folder), folder];
        return hold(claimedJob(job, folder, models()));
      }
      return undefined;
    },
    extend: (claim) => {
      if (isOwn(claim)) hold(claim);
    },
    begin: async (claim, names) => {
      mustBeOwn(claim);
      // As it stands now: another model may be chosen while the ledger writes.
      const folder = { ...folderOf(claim.job) };
      const verified = verifiedModels(folder, models());
      const { outputs } = claimedJob(claim.job, folder, verified);
      const job = await ledger.start(claim.job.id, names ?? outputs);
      const begun = { ...claimedJob(job, folder, verified), order: jobOrder(job, folder, verified) };
      hold(begun);
      tell(job);
      return begun;
    },
    progress: ({ job }, progress) => events.tell("jobProgressed", { job, progress }),
    acknowledge: async (begun, outcome) => {
      const { id } = begun.job;
      const moves = folderOf(begun.job).config.moveTo !== undefined;
      tell(await settle(begun, () => ledger.finish(id, outcome, moves)));
    },
    freeNames: ({ job, outputs }) => ledger.freeNames(job.id, outputs),
    recognise: async (claim, outcome) => {
      mustBeOwn(claim);
      const moves = folderOf(claim.job).config.moveTo !== undefined;
      const after = await ledger.finishKnown(claim.job.id, outcome, moves);
      if (after === undefined) return false;
      claims.delete(claim.job.id);
      tell(after);
      return true;
    },
    end: async (claim, { status, ...why }) => {
      tell(await settle(claim, () => ledger.end(claim.job.id, status, why)));
    },
    giveBack: async (claim, reason, { delayMs, counts }) => {
      const { job } = claim;
      const after = await settle(claim, () =>
        ledger.again(job.id, reason, {
          ...present({ delayMs }),
          // One that was not even started has no attempt to take back.
          counts: counts || job.status !== "running",
        }),
      );
      const isSaid = job.status === "waiting" && after.status === "waiting" && job.reason === reason;
      if (!isSaid) tell(after);
    },
    release: (claim) => {
      if (isOwn(claim)) claims.delete(claim.job.id);
    },
    retry: async (id) => tell(await ledger.retry(id)),
    skip: async (id) => {
      if (isClaimed(id)) {
        throw usageError("the job is not skipped: it is about to begin", { code: "job-not-skipped" });
      }
      tell(await ledger.skip(id));
    },
    pause: (folder) => void paused.add(folder),
    resume: (folder) => void paused.delete(folder),
  };
}

/** Pauses the jobs of each folder for as long as none of them can run (`folder-state.ts`, `isOpen`). */
export function pauseClosedFolders(
  events: Events,
  queue: Pick<JobQueue, "pause" | "resume">,
  folders: readonly Folder[],
) {
  const follow = ({ config, isOpen }: Folder): void =>
    isOpen() ? queue.resume(config.name) : queue.pause(config.name);
  for (const folder of folders) follow(folder);
  events.on("folderChanged", ({ folder: name }) => {
    for (const folder of folders) if (folder.config.name === name) follow(folder);
  });
}
