import { basename } from "node:path";
import { counted } from "../../core/counted.ts";
import { visible } from "../../core/errors.ts";
import { withoutOwnName } from "../../core/own-name.ts";
import { newerDoneWords } from "../../watcher/ledger/by-hand.ts";
import type { Job } from "../../watcher/ledger/job.ts";
import { belowHere } from "../command/command.ts";
import { describeDuration } from "./progress.ts";

/** How a job ended, in one line: "fish.tif → denoised/fish.denoised.ome.tif, 14 s, 0.3 million voxels a second". */
export function describeEnd(job: Job): string {
  const { status, outcome } = job;
  const name = sourceName(job);
  if (outcome !== undefined) {
    const { elapsedS, voxels, output, knownFromResult } = outcome;
    const what = `${name} → ${belowHere(output) ?? output}`;
    if (knownFromResult !== undefined) {
      const minute = knownFromResult.slice(0, "2026-11-26T14:30".length).replace("T", " ");
      return visible(`${what}, known from its result, which was finished at ${minute}Z${resultWords(job)}`);
    }
    const rate = elapsedS > 0 ? `, ${describeMillions(voxels / elapsedS)} voxels a second` : "";
    return visible(`${what}, ${describeDuration(elapsedS)}${rate}${resultWords(job)}`);
  }
  const attempts = status === "parked" ? ` after ${counted(job.attempt, "attempt")}` : "";
  return visible(`${name} ${status}${attempts}${whyOf(job)}`);
}

/** Which result has taken the place of the job's own, and what became of that by rule. */
function resultWords({ superseded, supersededBy, expired }: Job): string {
  const time = expired === "removed" ? "; its result was removed when its time was over" : "";
  if (supersededBy === undefined) return time;
  const its = { asked: "", marked: "", removed: " and removed", gone: "; it is not there any more" };
  return `; superseded by ${basename(supersededBy.output)}${its[superseded ?? "asked"]}${time}`;
}

/** Why a job has no result, with what to do, or that it was done since; empty where nothing is known. */
export function whyOf({ error, reason, source, newerDone }: Job): string {
  const what = error === undefined ? reason : withoutOwnName(error.message, source);
  const next = newerDone === undefined ? error?.remedy : upperFirst(newerDoneWords(source, newerDone));
  const why = [what, next].filter((part) => part !== undefined).join(". ");
  return why === "" ? "" : `: ${why}`;
}

function upperFirst(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** So many notes of a result are told, and so much of each; its metadata holds them whole. */
const mostNotes = 5;
const mostOfNote = 500;

/** What a person should know of a result, a line each. A noise warning is left out: it is logged with its own line. */
export function endNotes({ outcome }: Job): string[] {
  if (outcome === undefined) return [];
  const warned = new Set(outcome.noise?.map(({ warning }) => warning));
  const notes = outcome.notes.filter((note) => !warned.has(note)).map(boundedNote);
  const more = notes.length - mostNotes;
  if (more <= 0) return notes;
  const rest = counted(more, "more note stands", "more notes stand");
  return [...notes.slice(0, mostNotes), `${rest} in the result's metadata`];
}

function boundedNote(note: string): string {
  return visible(note.length > mostOfNote ? `${note.slice(0, mostOfNote)}…` : note);
}

/** The file below its watch folder, and which image of it where it holds several. */
export function sourceName({ source, series, seriesCount }: Job): string {
  return seriesCount > 1 ? `${source}, image ${series + 1} of ${seriesCount}` : source;
}

function describeMillions(count: number): string {
  return `${Number((count / 1e6).toPrecision(2))} million`;
}
