import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { provenancesIn } from "../../formats/ome/read-provenance.ts";
import { openAcquisition } from "../../formats/open.ts";
import { sampleHash } from "../../formats/plane/sample-hash.ts";
import { supersededEnding } from "../../watcher/folder-io/own-result.ts";
import type { HistoryJob } from "../../watcher/ledger/history.ts";
import type { NamedFile, PlannedAcquisition } from "./acquisitions.ts";

/** An acquisition whose writer is through, in one of the watch folders. */
export interface Written {
  readonly folder: string;
  readonly planned: PlannedAcquisition;
}

/** What a run left: its jobs, and where its sources and results lie. */
export interface Left {
  readonly jobs: readonly HistoryJob[];
  readonly results: string;
  /** Folders below which a watch folder's sources may lie, its own and that to which they are moved. */
  readonly sourcesOf: (folder: string) => readonly string[];
}

/**
 * Every acquisition exactly once, complete, with the samples of a calm run, and with a provenance that is true; no raw
 * file lost; no other result, and nothing half written. Answers a line for each thing that is otherwise.
 */
export async function faultsOf(
  written: readonly Written[],
  run: Left,
  calm: readonly HistoryJob[],
): Promise<string[]> {
  const faults: string[] = [];
  const known = new Set<string>();
  const doneBy = new Map<string, HistoryJob[]>();
  for (const job of run.jobs.filter(({ status }) => status === "done")) {
    const key = placeOf(job);
    doneBy.set(key, [...(doneBy.get(key) ?? []), job]);
    known.add(job.output ?? "");
    const sameContent = (doneBy.get(key) ?? []).filter(
      ({ outcome }) => outcome?.sourceSha256 === job.outcome?.sourceSha256,
    );
    if (sameContent.length > 1) faults.push(`${key}: the same content was done ${sameContent.length} times`);
  }
  for (const done of doneBy.values()) faults.push(...wronglyMarked(done, known));
  const calmBy = new Map(calm.map((job) => [placeOf(job), job]));

  for (const { folder, planned } of written) {
    const files = planned.stages.at(-1) ?? [];
    faults.push(...lostFiles(folder, planned, files, run));
    const stages = planned.stages.map((stage) => hashesOf(stage));
    const final = hashesOf(files);
    for (let series = 0; series < Math.max(planned.images, 1); series += 1) {
      const key = placeOf({ folder, source: planned.source, series });
      const done = doneBy.get(key) ?? [];
      doneBy.delete(key);
      for (const job of done) {
        const hashes = sourceHashes(job);
        if (planned.images === 0 || !stages.some((stage) => stage.join() === hashes)) {
          faults.push(`${key}: a result was made of content that its writer never finished`);
        }
      }
      if (planned.images === 0) continue;
      const last = done.find((job) => sourceHashes(job) === final.join());
      if (last === undefined) faults.push(`${key} (${planned.manner}): ${storyOf(run.jobs, key)}`);
      else faults.push(...(await faultsOfResult(key, last, calmBy.get(key))));
    }
  }
  for (const key of doneBy.keys()) faults.push(`${key}: a result of what is no acquisition of its own`);
  for (const path of filesBelow(run.results)) {
    if (path.includes(".cnnt-edge-")) faults.push(`${path}: left half written`);
    else if (!known.has(path)) faults.push(`${path}: a result that no job knows`);
  }
  return faults;
}

/** Of the results of one image: all but the newest are to be marked as superseded. Their marks become known. */
function wronglyMarked(done: readonly HistoryJob[], known: Set<string>): string[] {
  const newest = Math.max(...done.map(({ revision }) => revision));
  return done.flatMap((job) => {
    const mark = `${job.output}${supersededEnding}`;
    const isSuperseded = job.revision < newest;
    if (isSuperseded) known.add(mark);
    return isSuperseded && !existsSync(mark) ? [`${job.output}: not marked as superseded`] : [];
  });
}

/** Whether its last content was done; of a writer that crashed, whether anything was said of it. */
export function hasEnded({ folder, planned }: Written, jobs: readonly HistoryJob[]): boolean {
  const own = jobs.filter((job) => job.folder === folder && job.source === planned.source);
  if (planned.images === 0) return own.length > 0;
  const final = hashesOf(planned.stages.at(-1) ?? []).join();
  return own.filter((job) => job.status === "done" && sourceHashes(job) === final).length >= planned.images;
}

function sourceHashes({ outcome }: HistoryJob): string {
  return (outcome?.sourceFiles?.map(({ sha256 }) => sha256) ?? []).sort().join();
}

async function faultsOfResult(key: string, job: HistoryJob, calm: HistoryJob | undefined): Promise<string[]> {
  if (calm?.output === undefined || calm.status !== "done")
    return [`${key}: not done in the calm run either`];
  try {
    const [result, expected] = await Promise.all([readResult(job.output ?? ""), readResult(calm.output)]);
    const stated = new Map(result.provenance);
    return [
      ...(result.samples === expected.samples ? [] : [`${key}: other samples than in the calm run`]),
      ...(stated.get("Source sha256") === job.outcome?.sourceSha256 ? [] : [`${key}: states another source`]),
      ...(stated.get("Job") === job.id ? [] : [`${key}: states job ${stated.get("Job")}, not ${job.id}`]),
      ...(stated.get("Source series") === String(job.series) ? [] : [`${key}: states another series`]),
    ];
  } catch (error) {
    return [`${key}: its result cannot be read: ${(error as Error).message}`];
  }
}

async function readResult(path: string) {
  const result = await openAcquisition(path);
  try {
    const { original } = result.acquisition;
    const provenance = original.kind === "ome-xml" ? provenancesIn(original.xml).at(-1) : undefined;
    return { samples: await sampleHash(result), provenance: provenance ?? [] };
  } finally {
    await result.close();
  }
}

/** What of an acquisition's last stage lies nowhere any more, or with other bytes. */
function lostFiles(
  folder: string,
  { place }: PlannedAcquisition,
  files: readonly NamedFile[],
  { sourcesOf }: Left,
): string[] {
  return files.flatMap(([name, bytes]) => {
    const found = sourcesOf(folder).some((root) => {
      try {
        return readFileSync(join(root, place, name)).equals(bytes);
      } catch {
        return false;
      }
    });
    return found ? [] : [`${folder}/${place}/${name}: raw data lost`];
  });
}

function hashesOf(files: readonly NamedFile[]): string[] {
  return files.map(([, bytes]) => createHash("sha256").update(bytes).digest("hex")).sort();
}

function placeOf({ folder, source, series }: Pick<HistoryJob, "folder" | "source" | "series">): string {
  return `${folder}/${source} series ${series}`;
}

/** What the ledger says instead of "done". */
function storyOf(jobs: readonly HistoryJob[], key: string): string {
  const told = jobs
    .filter((job) => placeOf(job) === key)
    .map(({ status, reason, error }) => `${status} ${reason ?? error?.message ?? ""}`);
  return told.length === 0 ? "no job" : `not done with its last content: ${told.join("; ")}`;
}

/** Absolute paths of all files below a folder. */
export function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name));
}
