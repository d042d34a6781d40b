import type { BigIntStats } from "node:fs";
import { lstat } from "node:fs/promises";
import { basename, join } from "node:path";
import { isHidden } from "../intake/candidate-name.ts";
import { createWrittenFiles, type WrittenEnd, type WrittenEnds } from "../intake/written-files.ts";
import { type KernelEvents, openKernelEvents } from "./kernel-events.ts";
import { findOpenWriters } from "./open-writers.ts";

export interface WriterOptions {
  /** The watch folder. */
  readonly folder: string;
  readonly subfolders: boolean;
  /** As `SweepOptions.excluded`. */
  readonly excluded: readonly string[];
  /** Called after each look at the disk. */
  readonly onStep: () => void;
  /** The writing of a file has ended. */
  readonly onEnd: () => void;
  readonly open?: () => KernelEvents | undefined;
}

/** While files wait, the kernel is asked so often whether their writers have ended (milliseconds). */
const askMs = 100;

/** Follows who writes the files of a folder, as long as it is a local one: of what other machines write, the kernel tells nothing. */
export function followWriters({ folder, subfolders, excluded, onStep, onEnd, ...rest }: WriterOptions) {
  const { open = openKernelEvents } = rest;
  const written = createWrittenFiles();
  let events: KernelEvents | undefined;
  let isLocal = false;
  let asking: NodeJS.Timeout | undefined;

  const mayHold = (inner: string): boolean =>
    subfolders && !excluded.includes(inner) && !isHidden(basename(inner));

  /** Answers whether the writing of any file ended. */
  function takeIn(): boolean {
    let anyEnded = false;
    for (const event of events?.read() ?? []) {
      written.note(event);
      if (event.kind === "closed-writer" || event.kind === "moved-to") anyEnded = true;
      // At once: the sweep that finds the folder may come after its first file.
      if (event.kind === "folder-made" && mayHold(event.path)) events?.watch(event.path);
    }
    return anyEnded;
  }

  /** undefined for one that may be written under another name, of which nothing is told. */
  async function factsOf(source: string): Promise<BigIntStats | undefined> {
    const facts = await lstat(join(folder, source), { bigint: true }).catch(() => undefined);
    onStep();
    return facts?.isFile() === true && facts.nlink === 1n ? facts : undefined;
  }

  const endOf = (source: string): WrittenEnd | undefined =>
    isLocal ? written.endOf(join(folder, source)) : undefined;

  const ends: WrittenEnds = {
    follow: (inner) => {
      if (isLocal) events?.watch(inner);
    },
    ended: async (sources) => {
      takeIn();
      const found = new Map<BigIntStats, readonly [source: string, end: WrittenEnd]>();
      for (const source of sources) {
        const end = endOf(source);
        const facts = end && (await factsOf(source));
        if (end !== undefined && facts !== undefined) found.set(facts, [source, end]);
      }
      if (found.size === 0) return new Map();
      // One look for all of them: it goes through all open files of the machine.
      const inUse = findOpenWriters([...found.keys()]).files;
      return new Map([...found].flatMap(([facts, one]) => (inUse.has(facts) ? [] : [one])));
    },
    holds: (source, end) => {
      // One that was asked for before it ended is to be asked for again.
      if (takeIn()) onEnd();
      return endOf(source) === end;
    },
  };

  return {
    ends,
    takeIn,
    /** Called before each sweep. */
    follow: (isLocalNow: boolean): void => {
      isLocal = isLocalNow;
      if (isLocal) events ??= open();
      // Each listing is told of too: nobody else asks for it while no file comes.
      takeIn();
    },
    /** Whether any file waits to be quiet: for those that do the kernel is asked again and again. */
    askWhile: (isWaiting: boolean): void => {
      if (isWaiting && isLocal && events !== undefined)
        asking ??= setInterval(() => takeIn() && onEnd(), askMs);
      else {
        clearInterval(asking);
        asking = undefined;
      }
    },
  };
}
