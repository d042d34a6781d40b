import { lstat } from "node:fs/promises";
import { basename } from "node:path";
import { sourceFilesOf } from "../../core/acquisition.ts";
import { isEdgeError } from "../../core/errors.ts";
import type { ModelPackage } from "../../core/package-settings.ts";
import { digestOfFile } from "../../formats/file/file-digest.ts";
import { type DenoiseJob, type DenoiseJobInput, denoiseJobSchema } from "../../runtime/job/denoise-job.ts";
import { planJob } from "../../runtime/plan/plan-job.ts";
import { writeMissingDoneFile } from "../../runtime/result/done-file.ts";
import { hashSource, refuseChangedSource, sourceState } from "../../runtime/result/source-hash.ts";
import { judgeStanding, type Standing, type StandingOutcome } from "../../runtime/result/standing-result.ts";
import { openSource } from "../../runtime/stack/last-opened.ts";
import { saysGone } from "./is-gone.ts";
import { supersededEnding } from "./own-result.ts";

/** Whether the result of a job stands already, though the ledger does not know it: a daemon was killed, or a ledger was lost. */

/** A name that a result may have, with those for newer content of its source (`.r2`, `.r3`, …). */
export interface ResultNames {
  readonly plain: string;
  readonly newer: readonly string[];
}

export interface StandingQuestion {
  /** The best first. */
  readonly names: readonly ResultNames[];
  /** What the engine would be asked for. */
  readonly order: DenoiseJobInput;
  /** By folder. */
  readonly packages: Readonly<Record<string, ModelPackage>>;
  /** The name was reserved when nothing lay there. */
  readonly isReserved: boolean;
}

export type StandingAnswer =
  /** The job is to run; its result may have these names, the best first. */
  | { readonly kind: "run"; readonly outputs: readonly string[] }
  /** Nothing is left to do. */
  | { readonly kind: "result"; readonly outcome: StandingOutcome }
  /** What lies there is not to be replaced, and no other name is for this job. */
  | { readonly kind: "left-alone"; readonly reason: string };

/** Throws `EdgeError` (`machine`) where the source cannot be read, or changes meanwhile. */
export async function findStanding(
  { names, order, packages, isReserved }: StandingQuestion,
  onStep: () => void,
): Promise<StandingAnswer> {
  const plain = names.map((name) => name.plain);
  const run = (from: readonly string[]): StandingAnswer => ({ kind: "run", outputs: from });
  const expected = await expectedOf(order, packages, onStep).catch((error: unknown) => {
    if (isEdgeError(error)) return undefined;
    throw error;
  });
  // The job meets the same error, and ends by it.
  if (expected === undefined) return run(plain);
  const lookAt = async ({ plain: name, newer }: ResultNames): Promise<readonly Look[]> => {
    const looks: Look[] = [];
    for (const output of [name, ...newer]) {
      const isThere = !(await isFree(output));
      looks.push({
        output,
        standing: isThere ? await judgeStanding(output, { ...expected, isReserved }) : undefined,
      });
      onStep();
    }
    return looks;
  };
  const own = await Promise.all(names.filter(({ newer }) => newer.length > 0).map(lookAt));
  const outcome = await current(own.flat());
  if (outcome !== undefined) return known(outcome, expected.job);
  for (const [index, name] of names.entries()) {
    const looks = own.find(([first]) => first?.output === name.plain) ?? (await lookAt(name));
    const decided = decide(looks, plain.slice(index + 1));
    if (decided?.kind === "result") return known(decided.outcome, expected.job);
    if (decided !== undefined) return decided;
  }
  return leftAlone(noNameLeft);
}

/** A name, and what lies there; undefined where that is nothing. */
interface Look {
  readonly output: string;
  readonly standing: Standing | undefined;
}

/** Of several results of the same content one that is not marked as superseded, of those the one that was finished last. */
async function current(looks: readonly Look[]): Promise<StandingOutcome | undefined> {
  const results: { outcome: StandingOutcome; isMarked: boolean }[] = [];
  for (const { output, standing } of looks) {
    if (standing?.kind !== "result") continue;
    results.push({ outcome: standing.outcome, isMarked: !(await isFree(output + supersededEnding)) });
  }
  const time = ({ outcome }: (typeof results)[number]): number => Date.parse(outcome.knownFromResult);
  return results.sort((a, b) => Number(a.isMarked) - Number(b.isMarked) || time(b) - time(a))[0]?.outcome;
}

/** `others`: names for when these are not for this job: then undefined. Pure. */
function decide(looks: readonly Look[], others: readonly string[]): StandingAnswer | undefined {
  const firstFree = looks.findIndex(({ standing }) => standing === undefined);
  // A name that became free between those of older content is not the next one's.
  const lastContent = looks.findLastIndex(({ standing }) => standing?.kind === "other-content");
  for (const { output, standing } of firstFree < 0 ? looks : looks.slice(0, firstFree)) {
    if (standing?.kind === "result") return { kind: "result", outcome: standing.outcome };
    if (standing?.kind === "foreign") return leftAlone(foreign);
    if (standing?.kind === "made-otherwise") return leftAlone(madeOtherwise(output, standing.how));
    if (standing?.kind === "other-source") return undefined;
  }
  const next = looks.find(({ standing }, place) => standing === undefined && place > lastContent);
  return next === undefined ? leftAlone(noNameLeft) : { kind: "run", outputs: [next.output, ...others] };
}

async function known(outcome: StandingOutcome, job: DenoiseJob): Promise<StandingAnswer> {
  if (job.doneFile) await writeMissingDoneFile(outcome, job);
  return { kind: "result", outcome };
}

/** As `judgeStanding` needs it. */
async function expectedOf(
  order: DenoiseJobInput,
  packages: StandingQuestion["packages"],
  onStep: () => void,
) {
  const job = denoiseJobSchema.parse(order);
  // A process that is ended ends this too.
  const { signal } = new AbortController();
  const source = await openSource(job, signal);
  const { acquisition } = source;
  await source.close();
  const plan = await planJob(job, acquisition, async (dir) => {
    const found = packages[dir];
    if (found === undefined) throw new Error(`the model ${dir} was not given`);
    return found;
  });
  let hashed: ReturnType<typeof hashSource> | undefined;
  const hash = async () => {
    const files = sourceFilesOf(acquisition);
    const before = await sourceState(files);
    const digests = await hashSource(files, signal, (paths) => digestsOf(paths, onStep));
    await refuseChangedSource(acquisition.file, files, before);
    return digests;
  };
  return {
    job,
    source: acquisition,
    plan,
    hash: () => {
      hashed ??= hash();
      return hashed;
    },
  };
}

async function digestsOf(files: readonly string[], onStep: () => void): Promise<readonly string[]> {
  const digests: string[] = [];
  for (const file of files) digests.push(await digestOfFile(file, { onStep }));
  return digests;
}

/** A folder that has the name is told by the engine. */
async function isFree(file: string): Promise<boolean> {
  return lstat(file).then((facts) => facts.isDirectory(), saysGone);
}

/** Whether something lies under any of the names. */
export async function isTaken(names: readonly string[]): Promise<boolean> {
  return (await Promise.all(names.map(isFree))).includes(false);
}

const leftAlone = (reason: string): StandingAnswer => ({ kind: "left-alone", reason });
const noNameLeft = "results of other content have all names that its result could have";
const foreign = "a result of that name exists already and is left alone";

function madeOtherwise(output: string, how: string): string {
  return (
    `its result ${basename(output)} stands already, made ${how}, and is left alone. To have it made anew, move that result ` +
    "away, and run: cnnt-edge queue retry"
  );
}
