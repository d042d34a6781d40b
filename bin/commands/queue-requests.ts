import { join } from "node:path";
import { counted } from "../../core/counted.ts";
import { machineError, usageError, visible } from "../../core/errors.ts";
import type { JobStatus } from "../../core/job-status.ts";
import type { Answer, Request } from "../../watcher/by-hand/request.ts";
import type { HistoryJob, HistoryQuestion } from "../../watcher/ledger/history.ts";
import { type CommandIo, exitCodes } from "../command/command.ts";
import { sourceName } from "../words/job-end.ts";

/** `queue retry`, `skip`, `pause` and `resume`: asked of the daemon where it runs, done in its ledger where it is stopped. */

export interface RequestPlace {
  readonly state: string;
  /** Of the configuration, where one was read. */
  readonly folders?: readonly string[];
}

/** So many jobs are changed by one command. */
const mostJobs = 10_000;

const words: Readonly<Record<Request["act"], string>> = {
  retry: "queued again",
  skip: "skipped",
  pause: "paused",
  resume: "resumed",
};

/** Of a ledger that its daemon may be writing. Throws `EdgeError` (`machine`) also where somebody changed an entry by hand. */
export async function jobsIn(state: string, question: HistoryQuestion): Promise<HistoryJob[]> {
  return (await readLedger(state, question)).jobs;
}

/** As `jobsIn`, with the folders that a person paused. */
export async function readLedger(state: string, question: HistoryQuestion) {
  const { damagedLedger, ledgerName, openToRead } = await import("../../watcher/ledger/database.ts");
  const { askHistory } = await import("../../watcher/ledger/history.ts");
  const { pausedFoldersIn } = await import("../../watcher/ledger/by-hand.ts");
  const file = join(state, ledgerName);
  const database = openToRead(file);
  try {
    const jobs = askHistory(database, question);
    const timeless = jobs.find(({ timeMs }) => Number.isNaN(new Date(timeMs).getTime()));
    if (timeless !== undefined) throw damagedLedger(file, `the job ${timeless.id} at an impossible time`);
    return { jobs, paused: pausedFoldersIn(database) };
  } catch (error) {
    throw error instanceof SyntaxError ? damagedLedger(file, error.message, error) : error;
  } finally {
    database.close();
  }
}

/**
 * The jobs that `sources` name, or all where none is named, of those that the question finds. Of a source that has none in a fitting
 * state, the newest is asked for all the same: the ledger says why not.
 */
export async function changeJobs(
  act: "retry" | "skip",
  sources: readonly string[],
  question: Omit<HistoryQuestion, "limit" | "sources">,
  { state }: RequestPlace,
  io: CommandIo,
): Promise<number> {
  const named = sources.length === 0 ? { statuses: statusesFor[act] } : { sources };
  const found = await jobsIn(state, { ...named, ...question, limit: mostJobs });
  const jobs = sources.length === 0 ? found : sources.flatMap((source) => jobsOf(source, found, act));
  const missing = sources.filter((source) => !found.some((job) => job.source === source));
  for (const source of missing) {
    io.stderr.write(
      `${visible(source)}: no job of the ledger has this source and matches the options. Name it as cnnt-edge queue lists it, below its watch folder\n`,
    );
  }
  if (jobs.length === 0) {
    if (missing.length === 0) io.stderr.write(`no job of the ledger can be ${words[act]}\n`);
    return missing.length === 0 ? exitCodes.done : exitCodes.failed;
  }
  const byId = new Map(jobs.map((job) => [job.id, `${job.folder}  ${sourceName(job)}`]));
  const code = await request({ act, names: [...byId.keys()] }, (id) => byId.get(id) ?? id, state, io);
  return missing.length === 0 ? code : exitCodes.failed;
}

/** `found`: the newest first. */
function jobsOf(source: string, found: readonly HistoryJob[], act: "retry" | "skip"): readonly HistoryJob[] {
  const all = found.filter((job) => job.source === source);
  const fitting = all.filter(({ status }) => statusesFor[act].includes(status));
  return fitting.length > 0 ? fitting : all.slice(0, 1);
}

const statusesFor: Readonly<Record<"retry" | "skip", readonly JobStatus[]>> = {
  retry: ["failed", "parked", "skipped"],
  skip: ["queued", "waiting"],
};

export async function changeFolders(
  act: "pause" | "resume",
  names: readonly string[],
  { state, folders }: RequestPlace,
  io: CommandIo,
): Promise<number> {
  const unknown = names.find((name) => folders?.includes(name) === false);
  if (unknown !== undefined) {
    throw usageError("no watch folder of the configuration has this name", {
      code: "folder-unknown",
      found: unknown,
      allowed: folders?.join(", ") ?? "",
    });
  }
  return request({ act, names: [...names] }, (name) => name, state, io);
}

async function request(
  asked: Request,
  nameOf: (name: string) => string,
  state: string,
  io: CommandIo,
): Promise<number> {
  const { askDaemon } = await import("../../watcher/by-hand/ask-daemon.ts");
  const told = await askDaemon(state, asked);
  const answers = told ?? (await inStoppedLedger(asked, state));
  for (const { name, refused } of answers) {
    if (refused === undefined) io.stdout.write(`${visible(nameOf(name))}: ${words[asked.act]}\n`);
    else
      io.stderr.write(`${name === "" ? "" : `${visible(nameOf(name))}: `}${visible(sentences(refused))}\n`);
  }
  if (told === undefined) io.stderr.write("no daemon runs; its next start takes this over\n");
  const count = answers.filter(({ refused }) => refused !== undefined).length;
  if (count > 0 && answers.length > 1) io.stderr.write(`${counted(count, "refusal")}\n`);
  return count === 0 ? exitCodes.done : exitCodes.failed;
}

function sentences({ message, remedy }: NonNullable<Answer["refused"]>): string {
  return remedy === undefined ? message : `${message}. ${remedy}`;
}

/** The stopped daemon's ledger, held so that no daemon starts meanwhile. */
async function inStoppedLedger(asked: Request, state: string): Promise<Answer[]> {
  const { holdLock, instanceLock, ledgerName, openDatabase, openToRead } = await import(
    "../../watcher/ledger/database.ts"
  );
  const { createJobStore } = await import("../../watcher/ledger/job-store.ts");
  const { carryOut } = await import("../../watcher/by-hand/request.ts");
  const file = join(state, ledgerName);
  // Says what is wrong with it, and makes none.
  openToRead(file).close();
  const release = holdLock(join(state, instanceLock));
  if (release === undefined) {
    throw machineError("a daemon runs on this state folder and takes no requests", {
      code: "requests-untaken",
      file: state,
      remedy: "Wait until it has started; its log says why where it cannot take any",
    });
  }
  try {
    const database = openDatabase(file);
    const { retry, skip, pauseFolder, resumeFolder } = createJobStore(database, Date.now);
    try {
      return await carryOut(asked, { retry, skip, pause: pauseFolder, resume: resumeFolder });
    } finally {
      database.close();
    }
  } finally {
    release();
  }
}
