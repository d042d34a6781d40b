import { mkdir, open, rename, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Below } from "../hostile/mutate-bytes.ts";
import type { Manner, PlannedAcquisition } from "./acquisitions.ts";

/**
 * Writes an acquisition into `folder` in its manner, with pauses between and within its files. The folder is asked for
 * at each file: a share may lie elsewhere by then.
 */
export async function writeAcquisition(
  planned: PlannedAcquisition,
  folder: () => string,
  below: Below,
): Promise<void> {
  const pause = (mostMs: number) => sleep(below(mostMs));
  for (const [stage, files] of planned.stages.entries()) {
    if (stage > 0) await pause(6000);
    for (const [name, bytes] of shuffled(files, below)) {
      const path = join(folder(), planned.place, name);
      await mkdir(dirname(path), { recursive: true });
      await wayOf(planned.manner, stage)(path, bytes, () => pause(800));
      await pause(1500);
    }
  }
}

type Way = (path: string, bytes: Buffer, pause: () => Promise<unknown>) => Promise<void>;

function wayOf(manner: Manner, stage: number): Way {
  switch (manner) {
    case "slow":
    case "lif":
    case "crashed":
      return inPieces;
    case "reserved":
      return reserved;
    case "backwards":
      return backwards;
    case "reopened":
      return reopened;
    case "pages":
      return stage === 0 ? inPieces : grown;
    default:
      return renamed;
  }
}

async function renamed(path: string, bytes: Buffer): Promise<void> {
  const hidden = join(dirname(path), `.${basename(path)}.tmp`);
  await writeFile(hidden, bytes);
  await rename(hidden, path);
}

const pieces = 5;

/** The bytes in order, or in any other order of their pieces. */
async function writePieces(
  path: string,
  flags: "w" | "r+",
  bytes: Buffer,
  order: readonly number[],
  pause: () => Promise<unknown>,
  reservesFirst: boolean,
): Promise<void> {
  const piece = Math.ceil(bytes.length / pieces);
  const file = await open(path, flags);
  try {
    if (reservesFirst) await file.truncate(bytes.length);
    for (const [turn, index] of order.entries()) {
      if (turn > 0) await pause();
      const part = bytes.subarray(index * piece, (index + 1) * piece);
      await file.write(part, 0, part.length, index * piece);
    }
  } finally {
    await file.close();
  }
}

const forwards = Array.from({ length: pieces }, (_, index) => index);
const inPieces: Way = (path, bytes, pause) => writePieces(path, "w", bytes, forwards, pause, false);
const reserved: Way = (path, bytes, pause) => writePieces(path, "w", bytes, forwards, pause, true);
const backwards: Way = (path, bytes, pause) =>
  writePieces(path, "w", bytes, forwards.toReversed(), pause, true);

/** As a program that opens its file for each piece. */
const reopened: Way = async (path, bytes, pause) => {
  for (const index of forwards) {
    if (index > 0) await pause();
    await writePieces(path, index === 0 ? "w" : "r+", bytes, [index], pause, false);
  }
};

/** As a writer of TIFF adds pages: the new ones first, then the link to them. */
const grown: Way = async (path, bytes) => {
  const file = await open(path, "r+");
  try {
    const { size } = await file.stat();
    await file.write(bytes, size, bytes.length - size, size);
    await file.write(bytes, 0, size, 0);
  } finally {
    await file.close();
  }
};

function shuffled<Item>(items: readonly Item[], below: Below): Item[] {
  const left = [...items];
  return items.flatMap(() => left.splice(below(left.length), 1));
}
