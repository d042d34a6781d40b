import type { Channel } from "../../core/acquisition.ts";
import { EdgeError, formatError, unsupportedError } from "../../core/errors.ts";
import { present } from "../../core/record.ts";
import { elementCount } from "../../core/tensor.ts";
import { openByteSource } from "../file/byte-source.ts";
import { type Reading, type ReadLimits, takeStep } from "../file/reading.ts";
import { depthSizes, type StoredAxes, squeezed } from "../plane/stored-axes.ts";
import { findTiffSeries } from "../tiff/read-tiff.ts";
import type { SeriesFacts, TiffSeries } from "../tiff/series.ts";
import { numberedAxes } from "./file-pattern.ts";
import type { NumberedGrid } from "./numbered-set.ts";

/** What is known of an image beside its files; where nothing is said, the first file's own metadata hold. */
export type JoinedFacts = Partial<
  Pick<SeriesFacts, "name" | "pixelSize" | "timeIncrement" | "channels" | "original" | "notes">
> & {
  /** Each file holds so many planes, and they are Z, whatever the file says of them. */
  readonly planesInZ?: number;
};

/**
 * One image of many TIFFs, each a plane or a stack of it. Reads the structure of each file once. Throws `EdgeError` where one is
 * damaged, differs from the others, or counts an axis that the grid counts too.
 */
export async function joinFiles(
  { lengths, files }: NumberedGrid,
  known: JoinedFacts,
  limits: ReadLimits,
  reading: Reading,
): Promise<TiffSeries> {
  const { planesInZ, ...stated } = known;
  const parts: TiffSeries[] = [];
  const channelNames: Channel[] = [];
  for (const [index, file] of files.entries()) {
    takeStep(reading);
    const part = inZ(await onlySeries(file, limits, reading), planesInZ);
    const first = parts[0] ?? part;
    refuseDifferent(first, part);
    // Of the first time point, the first file of each channel.
    if (index % lengths.z === 0 && index < lengths.c * lengths.z)
      channelNames.push(part.facts.channels?.[0] ?? {});
    parts.push(index === 0 ? part : withoutFacts(part));
  }
  const [first] = parts;
  if (first === undefined) throw new RangeError("an image has a file");
  const { facts } = first;
  const inner = squeezed(facts.stored);
  const own = depthSizes(inner);
  const twice = numberedAxes.find((axis) => own[axis] > 1 && lengths[axis] > 1);
  if (twice !== undefined) {
    throw unsupportedError("the names of the files and the files themselves count the same axis", {
      code: "set-axis-twice",
      file: first.file,
      found: `${own[twice]} planes in the file and ${lengths[twice]} files, both as ${twice.toUpperCase()}`,
      remedy: "Give the pattern the axis that the files do not hold",
    });
  }
  const planes = elementCount(inner.lengths);
  const stored: StoredAxes = {
    letters: `TCZ${inner.letters}`,
    lengths: [lengths.t, lengths.c, lengths.z, ...inner.lengths],
  };
  const { pixelSize, timeIncrement, significantBits, make, original } = facts;
  return {
    file: first.file,
    members: parts.flatMap(({ members }) => members),
    placeOf: (index) => {
      const member = Math.floor(index / planes);
      const place = parts[member]?.placeOf(index % planes) ?? { page: 0, skip: 0 };
      return { ...place, member };
    },
    facts: {
      make,
      ...present({ timeIncrement, significantBits }),
      channels: own.c > 1 ? (facts.channels ?? []) : channelNames,
      // OME-XML of one file describes other planes than the image has.
      original: original.kind === "ome-xml" ? { kind: "text", text: original.xml } : original,
      ...stated,
      pixelSize: { ...pixelSize, ...stated.pixelSize },
      stored,
      notes: [...facts.notes, ...(stated.notes ?? [])],
    },
  };
}

/** With its planes as Z, where they are to be. Throws `EdgeError` where there are others than `planes`. */
function inZ(part: TiffSeries, planes: number | undefined): TiffSeries {
  const { file, facts } = part;
  const found = elementCount(facts.stored.lengths);
  if (planes === undefined) return part;
  if (found === planes) return { ...part, facts: { ...facts, stored: { letters: "Z", lengths: [planes] } } };
  throw formatError("a file of the set holds another number of planes than its description counts", {
    code: "set-planes",
    file,
    found: String(found),
    allowed: String(planes),
    remedy: "Wait until it is written completely, or copy it again",
    retryable: true,
  });
}

async function onlySeries(file: string, limits: ReadLimits, reading: Reading): Promise<TiffSeries> {
  const source = await openByteSource(file);
  try {
    const { all } = await findTiffSeries(source, limits, reading);
    const [only] = all;
    if (only instanceof EdgeError) throw only;
    if (only === undefined || all.length > 1 || only.members.length > 1) {
      throw unsupportedError(
        "a file of the acquisition holds more than one image, or names files of its own",
        {
          code: "set-file-images",
          file,
          found: `${all.length} images`,
          remedy: "Take the pattern away: the file is read as what it is",
        },
      );
    }
    return only;
  } finally {
    await source.close();
  }
}

function refuseDifferent(first: TiffSeries, part: TiffSeries): void {
  const [allowed, found] = [first, part].map(({ facts }) => inWords(facts.stored));
  if (found === allowed) return;
  throw formatError("the files of the acquisition hold different numbers of planes", {
    code: "set-files-differ",
    file: part.file,
    ...present({ found, allowed: `${allowed}, as ${JSON.stringify(first.file)}` }),
    remedy: "Wait until it is written completely, or copy it again",
    retryable: true,
  });
}

function inWords(stored: StoredAxes): string {
  const { letters, lengths } = squeezed(stored);
  return lengths.length === 0 ? "one plane" : `axes ${letters} of ${lengths.join(" x ")} planes`;
}

/** Text of thousands of files is not kept. */
function withoutFacts({ file, members, placeOf, facts: { make, stored } }: TiffSeries): TiffSeries {
  return {
    file,
    members: members.map((member) => ({ ...member, description: "" })),
    placeOf,
    facts: { make, stored, original: { kind: "none" }, notes: [] },
  };
}
