/**
 * Compares what we read in TIFFs with what tifffile reads in them (tiff-truth.json: pixels, axes, sample type,
 * pixel size, channel names). Prints a table; exit code 1 where we read anything other than the truth.
 *
 *   npm run truth:tiff [-- DATA_FOLDER]
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Acquisition, Length } from "../../core/acquisition.ts";
import { describeError, isEdgeError } from "../../core/errors.ts";
import { openAcquisition } from "../../formats/open.ts";
import { sampleHash } from "../../formats/plane/sample-hash.ts";

interface TrueLength {
  readonly value: number;
  readonly unit: string;
  readonly um: number | null;
}

interface TrueImage {
  readonly axes: string;
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly sha256: string;
  readonly master?: string;
  readonly pixel_size?: Partial<Record<"x" | "y" | "z", TrueLength>>;
  readonly channel_names?: readonly (string | null)[];
}

/** An entry of tiff-truth.json; the README beside it says what each key means. */
export type Truth =
  | { readonly refuse: string; readonly set?: boolean }
  | { readonly set: true; readonly images: readonly TrueImage[] }
  | (TrueImage & { readonly either?: string });

export interface ReaderVerdict {
  readonly verdict: "ok" | "refused" | "WRONG";
  readonly detail: string;
}

/** Judges one entry: the file (or folder of a set) at `path` against its truth. */
export async function judge(path: string, truth: Truth): Promise<ReaderVerdict> {
  const opened = "set" in truth && truth.set === true ? masterOf(path, truth) : path;
  const images = "images" in truth ? truth.images : [truth];
  const details: string[] = [];
  for (const [series, image] of images.entries()) {
    let found: { acquisition: Acquisition; sha256: string };
    try {
      found = await readWhole(opened, series);
    } catch (error) {
      if (!isEdgeError(error))
        return { verdict: "WRONG", detail: `not a typed error: ${describeError(error)}` };
      const allowed = "refuse" in image || "either" in image;
      return {
        verdict: allowed ? "refused" : "WRONG",
        detail: describeError(error).replace(`${opened}: `, ""),
      };
    }
    const { acquisition } = found;
    const summary = `${acquisition.axes} ${acquisition.shape.join("x")} ${acquisition.sampleType}`;
    if ("refuse" in image)
      return { verdict: "WRONG", detail: `read as ${summary}; must be refused: ${image.refuse}` };
    const differences = differencesOf(found, image);
    if (differences.length > 0) return { verdict: "WRONG", detail: `${summary}: ${differences.join("; ")}` };
    details.push(summary);
  }
  return { verdict: "ok", detail: details.join(", ") };
}

async function readWhole(
  file: string,
  series: number,
): Promise<{ acquisition: Acquisition; sha256: string }> {
  const source = await openAcquisition(file, { series });
  try {
    return { acquisition: source.acquisition, sha256: await sampleHash(source) };
  } finally {
    await source.close();
  }
}

/** The file of a set to open: its companion, the one that tifffile took, or the first. */
function masterOf(folder: string, truth: Truth): string {
  const names = readdirSync(folder).sort();
  const companion = names.find((name) => name.endsWith(".companion.ome"));
  const taken = "images" in truth ? truth.images[0]?.master : undefined;
  return join(folder, companion ?? taken ?? names[0] ?? "");
}

function differencesOf(
  { acquisition, sha256 }: { acquisition: Acquisition; sha256: string },
  truth: TrueImage,
): string[] {
  const differences: string[] = [];
  const compare = (what: string, ours: unknown, theirs: unknown): void => {
    if (JSON.stringify(ours) !== JSON.stringify(theirs)) {
      differences.push(`${what} ${JSON.stringify(ours)}, truth ${JSON.stringify(theirs)}`);
    }
  };
  compare("pixels", sha256, truth.sha256);
  // The truth keeps some axes of length 1; ours never does.
  const kept = [...truth.axes].flatMap((letter, i) =>
    truth.shape[i] === 1 && !/[YX]/.test(letter) ? [] : [i],
  );
  compare("axes", acquisition.axes, kept.map((i) => truth.axes[i]).join(""));
  compare(
    "shape",
    acquisition.shape,
    kept.map((i) => truth.shape[i]),
  );
  compare("type", acquisition.sampleType, truth.dtype);
  // Of whole sets the truth tells the samples only.
  const sizesAreTold = truth.master === undefined || truth.pixel_size !== undefined;
  for (const axis of sizesAreTold ? (["x", "y", "z"] as const) : []) {
    if (!sameLength(acquisition.pixelSize[axis], truth.pixel_size?.[axis])) {
      compare(`pixel size ${axis}`, acquisition.pixelSize[axis], truth.pixel_size?.[axis]);
    }
  }
  const names = acquisition.channels.map((channel) => channel.name ?? null);
  if (truth.channel_names !== undefined) compare("channel names", names, truth.channel_names);
  return differences;
}

/** The truth has eight digits, and units as written; we repair their spelling and then know the length. */
function sameLength(ours: Length | undefined, theirs: TrueLength | undefined): boolean {
  if (ours === undefined || theirs === undefined) return ours === theirs;
  const close = (a: number, b: number): boolean => Math.abs(a - b) <= 1e-6 * Math.abs(b);
  if (!close(ours.value, theirs.value)) return false;
  return theirs.um === null || (ours.um !== undefined && close(ours.um, theirs.um));
}

async function main(): Promise<void> {
  const root = process.argv[2] ?? join(import.meta.dirname, "../../../shared/data");
  const truthFile = join(root, "tiff-truth.json");
  if (!existsSync(truthFile)) {
    process.stderr.write(`there is no ${truthFile}; name the data folder\n`);
    process.exitCode = 2;
    return;
  }
  const truths = JSON.parse(readFileSync(truthFile, "utf8")) as Record<string, Truth>;
  const totals = { ok: 0, refused: 0, WRONG: 0 };
  for (const [name, truth] of Object.entries(truths)) {
    const { verdict, detail } = await judge(join(root, name), truth);
    totals[verdict] += 1;
    process.stdout.write(`${verdict.padEnd(7)}  ${name}  ${detail}\n`);
  }
  process.stdout.write(`${totals.ok} ok, ${totals.refused} refused, ${totals.WRONG} WRONG\n`);
  if (totals.WRONG > 0) process.exitCode = 1;
}

if (process.argv[1] === import.meta.filename) await main();
