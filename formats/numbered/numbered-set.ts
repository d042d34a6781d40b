import { type EdgeError, formatError } from "../../core/errors.ts";
import {
  axesOf,
  type FilePattern,
  type NumberedAxis,
  type NumberedFile,
  nameOf,
  numberedAxes,
} from "./file-pattern.ts";

/** Whether the files that a pattern found are a whole acquisition: a full rectangle over all of their numbers. Pure. */

type Numbers = Readonly<Record<NumberedAxis, number>>;

/** A full rectangle of files. */
export interface NumberedGrid {
  /** How many numbers each axis has. */
  readonly lengths: Numbers;
  /** In T, C, Z order, T slowest; first the one that stands for the acquisition. */
  readonly files: readonly string[];
}

export type NumberedVerdict =
  | {
      readonly kind: "full";
      readonly grid: NumberedGrid;
      /** The pattern's sizes say so; else more files may come. */
      readonly counted: boolean;
    }
  | { readonly kind: "lacking"; readonly error: EdgeError };

/** How many missing names a sentence lists. */
const listedNames = 3;

/** `files`: of one acquisition, at least one, in T, C, Z order (`inOrder`). `most`: so many files a set may have. */
export function judgeNumbers(
  files: readonly NumberedFile[],
  { template, sizes = {} }: FilePattern,
  most: number,
): NumberedVerdict {
  const [first] = files;
  if (first === undefined) throw new RangeError("an acquisition has a file");
  const lack = (message: string, fields: Parameters<typeof formatError>[1]): NumberedVerdict => ({
    kind: "lacking",
    error: formatError(message, { file: first.file, retryable: true, ...fields }),
  });
  const low = limits(files, Math.min);
  const high = limits(files, Math.max);
  const found = ofEach((axis) => high[axis] - low[axis] + 1);
  const lengths = ofEach((axis) => sizes[axis] ?? found[axis]);

  const twice = files.findIndex((file, index) => compareNumbers(file, files[index - 1]) === 0);
  if (twice > 0) {
    return lack("two files of the acquisition have the same numbers", {
      code: "pattern-number-twice",
      found: [files[twice - 1], files[twice]]
        .map((file) => JSON.stringify(baseName(file?.file ?? "")))
        .join(" and "),
      remedy: "Remove one of them, or rename it",
    });
  }
  const over = numberedAxes.find((axis) => found[axis] > lengths[axis]);
  if (over !== undefined) {
    return lack("the acquisition has more files than are stated", {
      code: "pattern-too-many",
      found: `${over.toUpperCase()} ${low[over]} to ${high[over]}`,
      allowed: `${lengths[over]} numbers for {${over}}`,
      remedy: "Correct the stated size, or move the files of another acquisition away",
    });
  }
  const count = lengths.t * lengths.c * lengths.z;
  if (count === files.length) {
    const counted = axesOf(template).every((axis) => sizes[axis] !== undefined);
    return { kind: "full", counted, grid: { lengths, files: files.map(({ file }) => file) } };
  }
  if (count > most) {
    return lack("the numbers of the files span more files than an acquisition may have", {
      code: "pattern-too-wide",
      found: numberedAxes.map((axis) => `${axis.toUpperCase()} ${low[axis]} to ${high[axis]}`).join(", "),
      allowed: `${most} files`,
      remedy: "Check the numbers in the names and the stated sizes",
    });
  }
  const missing = firstMissing(files, template, low, found);
  const short = numberedAxes.filter((axis) => found[axis] < lengths[axis]);
  const ranges = short.map(
    (axis) =>
      `${axis.toUpperCase()} only from ${low[axis]} to ${high[axis]}, ${found[axis]} of ${lengths[axis]} numbers`,
  );
  const more = found.t * found.c * found.z - files.length - missing.length;
  const names = missing.map((name) => `no ${JSON.stringify(name)}`);
  return lack("the acquisition is incomplete: files that its pattern counts are missing", {
    code: "pattern-incomplete",
    found: [...names, ...(more > 0 ? [`${more} more of them missing`] : []), ...ranges].join(", "),
    allowed: `${count} files`,
    remedy: "Copy the missing files into the same folder",
  });
}

/** Those of one acquisition, T slowest. */
export function inOrder(files: readonly NumberedFile[]): NumberedFile[] {
  return [...files].sort((one, other) => compareNumbers(one, other) || (one.file < other.file ? -1 : 1));
}

function compareNumbers({ numbers: one }: NumberedFile, other: NumberedFile | undefined): number {
  if (other === undefined) return 1;
  return one.t - other.numbers.t || one.c - other.numbers.c || one.z - other.numbers.z;
}

function ofEach(value: (axis: NumberedAxis) => number): Numbers {
  return { t: value("t"), c: value("c"), z: value("z") };
}

function limits(files: readonly NumberedFile[], of: (one: number, other: number) => number): Numbers {
  return ofEach((axis) => files.map(({ numbers }) => numbers[axis]).reduce((one, other) => of(one, other)));
}

/**
 * The first few names that lack in the rectangle over the numbers. Each step finds a file or a lack, so there are no more steps than
 * files and names.
 */
function firstMissing(
  files: readonly NumberedFile[],
  template: string,
  low: Numbers,
  found: Numbers,
): string[] {
  const [first] = files;
  const digits = ofEach((axis) => digitsOf(files, axis));
  const missing: string[] = [];
  let next = 0;
  for (let place = 0; place < found.t * found.c * found.z && missing.length < listedNames; place += 1) {
    const numbers = {
      t: low.t + Math.floor(place / (found.c * found.z)),
      c: low.c + (Math.floor(place / found.z) % found.c),
      z: low.z + (place % found.z),
    };
    const file = files[next];
    if (file !== undefined && numberedAxes.every((axis) => file.numbers[axis] === numbers[axis])) next += 1;
    else if (first !== undefined) missing.push(nameOf(template, first, numbers, digits));
  }
  return missing;
}

/** Numbers with leading zeros have all the same length. */
function digitsOf(files: readonly NumberedFile[], axis: NumberedAxis): number {
  const padded = files.find(({ written }) => /^0./.test(written[axis] ?? ""));
  return (padded?.written[axis] ?? "").length;
}

function baseName(file: string): string {
  return file.slice(file.lastIndexOf("/") + 1);
}
