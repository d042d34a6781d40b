import { basename } from "node:path";
import type { Acquisition } from "../../core/acquisition.ts";
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
  return gathered(options, async (open) => {
    for (const file of files) {
      const source = await open(file);
      const { t, z } = source.acquisition.sizes;
      const times = single ? t : 1;
      if (!single && t > 1) throw timeInRepeat(file, t);
      if (single && t === 1) throw singleImage(file, z);
      for (let time = 0; time < times; time += 1) {
        open.add({ source, t: time, averages: 1, name: single ? `time ${time + 1}` : basename(file) });
      }
    }
  });
}

/** Opens ready-made averages: for each number of scans a file, or a folder of independent files. */
export async function openLevels(
  levels: readonly { readonly averages: number; readonly path: string }[],
  options: OpenRepeatsOptions = {},
): Promise<Repeats> {
  return gathered(options, async (open) => {
    for (const { averages, path } of [...levels].sort((a, b) => a.averages - b.averages)) {
      for (const file of await filesOf(path, options.tell)) {
        const source = await open(file);
        if (source.acquisition.sizes.t > 1) throw timeInRepeat(file, source.acquisition.sizes.t);
        open.add({ source, t: 0, averages, name: `${averages}x ${basename(file)}` });
      }
    }
  });
}

interface Opener {
  (file: string): Promise<PlaneSource>;
  readonly add: (image: Image) => void;
}

/** Collects images; whatever goes wrong, what was opened is closed. */
async function gathered(
  options: OpenRepeatsOptions,
  collect: (open: Opener) => Promise<void>,
): Promise<Repeats> {
  const sources: PlaneSource[] = [];
  const images: Image[] = [];
  const close = async () => {
    await Promise.all(sources.map((source) => source.close()));
  };
  const openOne = async (file: string) => {
    const source = await openAcquisition(
      file,
      options.signal === undefined ? {} : { signal: options.signal },
    );
    sources.push(source);
    return source;
  };
  try {
    await collect(Object.assign(openOne, { add: (image: Image) => void images.push(image) }));
    return repeatsOf(images, options.channel, close);
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
      const samples = await image.source.readPlane(
        { t: image.t, c, z },
        signal === undefined ? {} : { signal },
      );
      return samples instanceof Float32Array ? samples : Float32Array.from(samples);
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

function timeInRepeat(file: string, times: number) {
  return usageError("a repeat is itself a time series", {
    code: "repeat-time",
    file,
    found: `${times} time points`,
    allowed: "one stack per file, or a single file whose time points are the repeats",
    remedy: "Give that file alone to use its time axis",
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
