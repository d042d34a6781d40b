import { basename } from "node:path";
import { type Acquisition, asFloats } from "../../core/acquisition.ts";
import { usageError } from "../../core/errors.ts";
import { filesOf } from "../../formats/files-of.ts";
import { openAcquisition } from "../../formats/open.ts";
import type { PlaneSource } from "../../formats/plane/plane-source.ts";
import type { Repeats } from "./repeats.ts";

export interface OpenRepeatsOptions {
  /** Index of the channel; must be given where there are several. */
  readonly channel?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Told, in sentences, which files of a folder are no images. */
  readonly tell?: ((sentence: string) => void) | undefined;
}

/** One image of the experiment: a stack in a file, at one time. */
interface Image {
  readonly source: PlaneSource;
  readonly t: number;
  readonly averages: number;
  readonly name: string;
}

/**
 * Opens repeats: the files of a folder, several files, or the time axis of a single one. Throws `EdgeError` where
 * they do not show the same field in the same size.
 */
export async function openRepeats(
  paths: readonly string[],
  options: OpenRepeatsOptions = {},
): Promise<Repeats> {
  const files = (await Promise.all(paths.map((path) => filesOf(path, options.tell)))).flat();
  const single = files.length === 1;
  const wanted = files.map((file) => ({ file, averages: 1, name: basename(file) }));
  return gathered(wanted, options, ({ source, name }) => {
    const { file, sizes } = source.acquisition;
    if (single && sizes.t === 1) throw singleImage(file, sizes.z);
    if (!single) return [onlyTime({ source, averages: 1, name })];
    return Array.from({ length: sizes.t }, (_, t) => ({ source, t, averages: 1, name: `time ${t + 1}` }));
  });
}

/** Opens ready-made averages: for each number of scans a file, or a folder of independent files. */
export async function openLevels(
  levels: readonly { readonly averages: number; readonly path: string }[],
  options: OpenRepeatsOptions = {},
): Promise<Repeats> {
  const wanted: Wanted[] = [];
  for (const { averages, path } of [...levels].sort((a, b) => a.averages - b.averages)) {
    for (const file of await filesOf(path, options.tell)) {
      wanted.push({ file, averages, name: `${averages}x ${basename(file)}` });
    }
  }
  return gathered(wanted, options, (opened) => [onlyTime(opened)]);
}

/** A file that is to be opened. */
interface Wanted extends Pick<Image, "averages" | "name"> {
  readonly file: string;
}

function onlyTime(opened: Omit<Image, "t">): Image {
  const { file, sizes } = opened.source.acquisition;
  if (sizes.t === 1) return { ...opened, t: 0 };
  throw usageError("a repeat is itself a time series", {
    code: "repeat-time",
    file,
    found: `${sizes.t} time points`,
    allowed: "one stack per file, or a single file whose time points are the repeats",
    remedy: "Give that file alone to use its time axis",
  });
}

/** Opens all files; whatever goes wrong, what was opened is closed. */
async function gathered(
  wanted: readonly Wanted[],
  { channel, signal }: OpenRepeatsOptions,
  imagesIn: (opened: Omit<Image, "t">) => readonly Image[],
): Promise<Repeats> {
  const sources: PlaneSource[] = [];
  const images: Image[] = [];
  const close = async () => {
    await Promise.all(sources.map((source) => source.close()));
  };
  try {
    for (const { file, averages, name } of wanted) {
      const source = await openAcquisition(file, { signal });
      sources.push(source);
      images.push(...imagesIn({ source, averages, name }));
    }
    return repeatsOf(images, channel, close);
  } catch (error) {
    await close();
    throw error;
  }
}

function repeatsOf(
  images: readonly Image[],
  wanted: number | undefined,
  close: () => Promise<void>,
): Repeats {
  const first = images[0];
  if (first === undefined) {
    throw usageError("no image was found", {
      code: "no-repeats",
      remedy: "Name a folder with one file per repeat",
    });
  }
  const { acquisition } = first.source;
  for (const { source } of images) refuseOtherField(acquisition, source.acquisition);
  const c = channelOf(acquisition, wanted);
  const { sizes } = acquisition;
  return {
    acquisition,
    files: [...new Set(images.flatMap(({ source }) => source.acquisition.members))],
    depth: sizes.z,
    height: sizes.y,
    width: sizes.x,
    averages: images.map(({ averages }) => averages),
    names: images.map(({ name }) => name),
    async readPlane(index, z, signal) {
      const image = images[index] ?? first;
      return asFloats(await image.source.readPlane({ t: image.t, c, z }, { signal }));
    },
    close,
  };
}

function channelOf({ file, sizes, channels }: Acquisition, wanted: number | undefined): number {
  if (wanted !== undefined && wanted < sizes.c) return wanted;
  if (wanted === undefined && sizes.c === 1) return 0;
  throw usageError("choose one channel: each channel has its own answer", {
    code: "channel",
    file,
    ...(wanted === undefined ? {} : { found: String(wanted) }),
    allowed: channels
      .map(({ name }, index) => `${index}${name === undefined ? "" : ` (${name})`}`)
      .join(", "),
    remedy: "Give it with --channel",
  });
}

function refuseOtherField(first: Acquisition, other: Acquisition): void {
  const sizes = ({ sizes: { c, z, y, x } }: Acquisition) => `${c} x ${z} x ${y} x ${x}`;
  if (sizes(first) === sizes(other)) return;
  throw usageError("the images do not show the same field: their sizes differ", {
    code: "repeats-differ",
    file: other.file,
    found: `${sizes(other)} (C, Z, Y, X)`,
    allowed: `${sizes(first)} as in ${basename(first.file)}`,
    remedy: "Leave only the repeats of one field in the folder",
  });
}

function singleImage(file: string, depth: number) {
  return usageError(
    "one image is not enough for a calibration: its noise cannot be told from its structure",
    {
      code: "single-image",
      file,
      found: `1 time point, ${depth} planes`,
      remedy:
        "Repeat the same field 6 to 64 times, or compare a low and a high exposure with --low and --high",
    },
  );
}
