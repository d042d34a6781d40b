import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { jobsIn } from "../../bin/commands/queue-requests.ts";
import type { HistoryJob } from "../../watcher/ledger/history.ts";
import { type Below, randomBelow } from "../hostile/mutate-bytes.ts";
import { type Manner, manners, planAcquisition } from "./acquisitions.ts";
import { faultsOf, filesBelow, hasEnded, type Written } from "./check.ts";
import { lastProcesses, makeRig, type Rig, type Victim } from "./rig.ts";
import { writeAcquisition } from "./writers.ts";

export interface SoakOptions {
  /** An empty folder for all of it. */
  readonly folder: string;
  readonly kills: number;
  readonly seed: number;
  /** So many at the same time. */
  readonly writers: number;
  /** Longest pause between two kills. */
  readonly mostBetweenKillsMs: number;
  readonly settle: Readonly<Record<string, number>>;
  /** Whether this process may mount disks. */
  readonly mayMount: boolean;
  readonly tell: (line: string) => void;
}

export interface SoakReport {
  readonly faults: readonly string[];
  readonly written: Readonly<Record<Manner, number>>;
  readonly kills: Readonly<Record<Victim, number>>;
  readonly brokerGone: number;
  readonly shareGone: number;
  /** Jobs that had lost their engine too often and were tried again by hand. */
  readonly retried: number;
  readonly results: number;
  readonly jobs: Readonly<Record<string, number>>;
  readonly elapsedS: number;
}

/** How often each kind of process is killed, in tenths. */
const victimOfTenth: readonly Victim[] = [
  ...Array<Victim>(2).fill("daemon"),
  ...Array<Victim>(4).fill("engine"),
  ...Array<Victim>(4).fill("folder process"),
];

/** Longest wait for the next job to end once everything is in order again: a file that grew is waited for. */
const drainMs = 120_000;

/**
 * A simulated facility: writers of every manner, kill -9 of daemon, engine and folder process, a broker and a share that
 * come and go; then everything is in order, the daemon is started once more, and what it left is judged against a calm
 * run over the same files.
 */
export async function soak(options: SoakOptions): Promise<SoakReport> {
  const { folder, seed, settle, mayMount, tell } = options;
  const beganMs = performance.now();
  const rig = await makeRig(join(folder, "soak"), { hasBroker: true, hasShare: mayMount, settle });
  const written: Written[] = [];
  const trouble = { isOver: false };
  rig.start();
  const writing = Array.from({ length: options.writers }, (_, index) =>
    writeUntil(rig, trouble, randomBelow(1000 * seed + index), written, index, options.writers),
  );
  const [kills, brokerGone, shareGone] = await Promise.all([
    killAround(rig, options).finally(() => {
      trouble.isOver = true;
    }),
    comeAndGo(trouble, randomBelow(seed + 1), rig.hasBroker, rig.stopBroker, rig.startBroker),
    comeAndGo(
      trouble,
      randomBelow(seed + 2),
      rig.hasShare,
      async () => rig.unmountShare(),
      (turn) => rig.mountShare(turn % 3 === 2),
    ),
    ...writing,
  ] as const);
  tell(`${written.length} acquisitions written; waiting for the last jobs`);
  const faults = [...(await drained(rig, written))];
  await ended(rig, faults);

  // What a killed process left is cleared by the next start.
  rig.start();
  faults.push(...(await drained(rig, written)));
  await ended(rig, faults);
  faults.push(...rig.unexpectedEnds);

  tell("the calm run over the same files");
  const calm = await calmRun(join(folder, "calm"), written, settle);
  faults.push(...calm.faults);
  const jobs = await allJobs(rig);
  const results = join(rig.folder, "out");
  const sourcesOf = (name: string) => [rig.writersFolder(name), join(rig.folder, "taken")];
  faults.push(...(await faultsOf(written, { jobs, results, sourcesOf }, calm.jobs)));
  const resultCount = filesBelow(results).length;
  await rig.close();
  return {
    faults,
    written: countBy(
      manners,
      written.map(({ planned }) => planned.manner),
    ),
    kills,
    brokerGone,
    shareGone,
    retried: rig.retried(),
    results: resultCount,
    jobs: countBy(
      [...new Set(jobs.map(({ status }) => status))],
      jobs.map(({ status }) => status),
    ),
    elapsedS: (performance.now() - beganMs) / 1000,
  };
}

async function writeUntil(
  rig: Rig,
  trouble: { readonly isOver: boolean },
  below: Below,
  written: Written[],
  index: number,
  writers: number,
): Promise<void> {
  for (let turn = 0; !trouble.isOver; turn += 1) {
    const folder = rig.watchFolders[below(rig.watchFolders.length)] ?? "local";
    const manner = manners[(turn * writers + index) % manners.length] ?? "renamed";
    const planned = planAcquisition(turn * writers + index, manner, below);
    // What is taken away while its writer is at work is another matter than what this proves.
    const isTaken = folder === "moved" && planned.stages.length > 1;
    const place = isTaken ? "local" : folder;
    await rig.write(place, () => writeAcquisition(planned, () => rig.writersFolder(place), below));
    written.push({ folder: place, planned });
    await sleep(below(1000));
  }
}

async function killAround(
  rig: Rig,
  { kills, seed, mostBetweenKillsMs, tell }: SoakOptions,
): Promise<Record<Victim, number>> {
  const below = randomBelow(seed);
  const killed: Record<Victim, number> = { daemon: 0, engine: 0, "folder process": 0 };
  for (let count = 0; count < kills; ) {
    await sleep(below(mostBetweenKillsMs));
    const victim = victimOfTenth[below(victimOfTenth.length)] ?? "engine";
    if (!rig.kill(victim, below)) continue;
    killed[victim] += 1;
    count += 1;
    if (count % 20 === 0) tell(`${count} of ${kills} kills`);
  }
  return killed;
}

/** Takes something away and brings it back, again and again; it is there at the end. How often it was away. */
async function comeAndGo(
  trouble: { readonly isOver: boolean },
  below: Below,
  exists: boolean,
  go: () => Promise<void>,
  come: (turn: number) => Promise<void>,
): Promise<number> {
  let turns = 0;
  while (exists && !trouble.isOver) {
    await sleep(2000 + below(20_000));
    await go();
    await sleep(below(8000));
    await come(turns);
    turns += 1;
  }
  return turns;
}

async function allJobs({ state }: Rig): Promise<HistoryJob[]> {
  return jobsIn(state, { limit: 1_000_000 });
}

/** Waits until no job is left to do and no source to move; what is left after `drainMs`. */
async function drained(rig: Rig, written: readonly Written[]): Promise<string[]> {
  let endMs = performance.now() + drainMs;
  let endedJobs = 0;
  let calmLooks = 0;
  for (;;) {
    const jobs = await allJobs(rig).catch(() => undefined);
    const open = jobs?.filter(({ status }) => ["queued", "waiting", "running"].includes(status));
    const endedNow = (jobs?.length ?? 0) - (open?.length ?? 0);
    if (endedNow !== endedJobs) endMs = performance.now() + drainMs;
    endedJobs = endedNow;
    const kept = jobs?.filter(
      (job) => job.status === "done" && job.folder === "moved" && liesThere(rig, job),
    );
    const unseen = written.filter((one) => !hasEnded(one, jobs ?? []));
    // As an engineer does it: a job that lost its engine twice is tried again only when somebody says so.
    if (open?.length === 0 && jobs?.some(({ status }) => status === "parked")) rig.retryParked();
    calmLooks = open?.length === 0 && kept?.length === 0 && unseen.length === 0 ? calmLooks + 1 : 0;
    // A source that comes back to a share between two looks has no job yet.
    if (calmLooks === 4) return [];
    if (performance.now() > endMs) {
      return [
        ...[...(open ?? []), ...(kept ?? [])].map(
          ({ folder, source, status, reason }) => `${folder}/${source}: still ${status} ${reason ?? ""}`,
        ),
        ...unseen.map(
          ({ folder, planned }) => `${folder}/${planned.source}: still without a job of its last content`,
        ),
      ];
    }
    await sleep(1000);
  }
}

function liesThere(rig: Rig, { folder, source }: HistoryJob): boolean {
  return existsSync(join(rig.writersFolder(folder), source));
}

async function ended(rig: Rig, faults: string[]): Promise<void> {
  const code = await rig.stop();
  if (code !== 0) faults.push(`the daemon ended with ${code} when it was asked to end`);
  const left = await lastProcesses(rig, 30_000);
  faults.push(...left.map((command) => `30 s after the daemon there is still: ${command}`));
}

/** The same files, at once, under a daemon that nobody disturbs. */
async function calmRun(folder: string, written: readonly Written[], settle: SoakOptions["settle"]) {
  const rig = await makeRig(folder, { hasBroker: false, hasShare: false, settle });
  for (const { folder: name, planned } of written) {
    if (planned.images === 0) continue;
    for (const [file, bytes] of planned.stages.at(-1) ?? []) {
      const path = join(rig.writersFolder(name), planned.place, file);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, bytes);
    }
  }
  rig.start();
  const faults = await drained(
    rig,
    written.filter(({ planned }) => planned.images > 0),
  );
  await ended(rig, faults);
  return { jobs: await allJobs(rig), faults };
}

function countBy<Name extends string>(names: readonly Name[], items: readonly Name[]): Record<Name, number> {
  const counts = Object.fromEntries(names.map((name) => [name, 0])) as Record<Name, number>;
  for (const item of items) counts[item] += 1;
  return counts;
}
