import { basename } from "node:path";
import type { Acquisition, Channel, Make, OriginalMetadata, PixelSize } from "../../core/acquisition.ts";
import { EdgeError, formatError, isEdgeError } from "../../core/errors.ts";
import { present } from "../../core/record.ts";
import { elementCount } from "../../core/tensor.ts";
import type { ReadLimits } from "../file/reading.ts";
import { type OpenedFile, type PlaneReader, refuseOutside, type SeriesFound } from "../plane/plane-source.ts";
import { depthSizes, type StoredAxes, squeezed, storedIndex } from "../plane/stored-axes.ts";
import { type PageLayout, planeBytes } from "./page.ts";
import { compressionName, photometric } from "./tags.ts";
import {
  type PlanePlace,
  pageLayout,
  type ReaderPool,
  readerPool,
  readTiffPlane,
  type TiffFile,
} from "./tiff-file.ts";

/** An image found in one or more TIFFs: what it is, and where its planes are. Nothing is open. */
export interface TiffSeries {
  /** Path as given, of the file that was opened. */
  readonly file: string;
  /** The files that hold its planes. */
  readonly members: readonly TiffFile[];
  /** Where a plane lies, in which of the members and where there, by its place in the stored order. */
  readonly placeOf: (stored: number) => PlanePlace & { readonly member: number };
  readonly facts: SeriesFacts;
}

/** An image of a file, or why it is not read: that does not hide the others. */
export type SeriesOrRefusal = TiffSeries | EdgeError;

/** The images of a file. `files`: as in `OpenedFile`; those that hold the planes where it is not given. */
export interface FoundSeries {
  readonly all: readonly SeriesOrRefusal[];
  readonly files?: readonly string[];
}

/** What the interpreter of a kind of file knows of an image; the layout of its pages tells the rest. */
export interface SeriesFacts {
  readonly make: Make;
  /** As in `Acquisition`. */
  readonly describedBy?: string | undefined;
  readonly stored: StoredAxes;
  readonly name?: string;
  readonly pixelSize?: PixelSize;
  readonly timeIncrement?: Acquisition["timeIncrement"];
  readonly significantBits?: number;
  readonly channels?: readonly Channel[];
  readonly original: OriginalMetadata;
  readonly notes: readonly string[];
}

/** Checks the planes of all series of a file and describes them. */
export function openedTiff({ all, files }: FoundSeries, limits: ReadLimits): OpenedFile {
  const pool = readerPool(limits);
  const series = all.map((one, index): SeriesFound => {
    try {
      if (one instanceof EdgeError) throw one;
      const layout = commonLayout(one, limits);
      const acquisition = { ...describe(one, layout), series: index, seriesCount: all.length };
      return planeReader(one, acquisition, pool);
    } catch (error) {
      if (!isEdgeError(error)) throw error;
      return { refusal: error };
    }
  });
  const members = all.flatMap((one) => (one instanceof EdgeError ? [] : one.members));
  return { series, files: files ?? [...new Set(members.map(({ file }) => file))], close: pool.close };
}

function describe({ file, members, facts }: TiffSeries, layout: PageLayout): Acquisition {
  const stored = squeezed(facts.stored);
  const sizes = { ...depthSizes(facts.stored), y: layout.length, x: layout.width };
  const { name, timeIncrement, significantBits, describedBy } = facts;
  return {
    file,
    members: members.map((member) => member.file),
    series: 0,
    seriesCount: 1,
    ...(name === undefined || name === "" ? {} : { name }),
    make: facts.make,
    axes: `${stored.letters}YX`,
    shape: [...stored.lengths, layout.length, layout.width],
    sizes,
    sampleType: layout.sampleType,
    ...present({ significantBits, timeIncrement, describedBy }),
    pixelSize: facts.pixelSize ?? {},
    channels: Array.from({ length: sizes.c }, (_, i) => facts.channels?.[i] ?? {}),
    compression: compressionName[layout.compression] ?? "",
    byteOrder: members[0]?.header.byteOrder ?? "little",
    original: facts.original,
    notes: [...facts.notes, ...layoutNotes(layout, stored)],
  };
}

function layoutNotes(layout: PageLayout, stored: StoredAxes): string[] {
  const notes: string[] = [];
  if (/[QI]/.test(stored.letters)) {
    notes.push("pages have no named axis: they are read as depth (Z), but may be times or channels");
  } else if (/[^TCZ]/.test(stored.letters)) {
    notes.push(`axes ${stored.letters.replace(/[TCZ]/g, "")} are taken as depth (Z)`);
  }
  if (layout.photometric === photometric.minIsWhite)
    notes.push("MinIsWhite: values are as stored, not inverted");
  if (layout.photometric === photometric.palette) notes.push("palette: the indices are taken as intensities");
  if (layout.orientation !== 1)
    notes.push(`Orientation ${layout.orientation}: rows and columns are as stored`);
  return notes;
}

/** Checks that the planes of a series are few enough and all of one size and type; the layout of the first. */
function commonLayout({ file, members, placeOf, facts }: TiffSeries, limits: ReadLimits): PageLayout {
  const planes = elementCount(facts.stored.lengths);
  if (planes > limits.maxPlanes) {
    throw formatError("the image has more planes than are allowed", {
      code: "too-many-planes",
      file,
      found: String(planes),
      allowed: String(limits.maxPlanes),
      remedy: "Split the file.",
    });
  }
  /** By size and type, where each is first and of how many planes. */
  const kinds = new Map<string, PlanesOfKind>();
  let first: PageLayout | undefined;
  // Pages of one kind share the layout object, so only a change of kind needs a look.
  let last: PageLayout | undefined;
  let kind: PlanesOfKind = { place: { member: 0, page: 0, skip: 0 }, planes: 0 };
  for (let stored = 0; stored < planes; stored += 1) {
    const place = placeOf(stored);
    const layout = pageLayout(memberOf(members, place.member), place.page);
    first ??= layout;
    if (layout !== last) {
      kind = kinds.get(sizeAndType(layout)) ?? { place, planes: 0 };
      kinds.set(sizeAndType(layout), kind);
    }
    kind.planes += 1;
    last = layout;
  }
  if (kinds.size > 1) throw sizesDiffer(members, kinds);
  return first ?? pageLayout(memberOf(members, 0), 0);
}

interface PlanesOfKind {
  readonly place: ReturnType<TiffSeries["placeOf"]>;
  planes: number;
}

/** Names the first plane that is unlike most. Where there are as many of one kind as of another, the first is right. */
function sizesDiffer(members: readonly TiffFile[], kinds: ReadonlyMap<string, PlanesOfKind>): EdgeError {
  // The sort leaves those of equal counts in their order.
  const [most, odd] = [...kinds].sort(([, one], [, other]) => other.planes - one.planes);
  if (most === undefined || odd === undefined) throw new RangeError("the planes are of one size and type");
  const [[allowed, { place: right }], [found, { place: wrong }]] = [most, odd];
  const { file } = memberOf(members, wrong.member);
  const fields = { code: "tiff-pages-differ", file, at: `page ${wrong.page}`, found };
  if (members.length === 1) {
    return formatError("the planes of the image are not of one size and type", {
      ...fields,
      allowed,
      remedy: "Save images of one size and type in a file of their own.",
    });
  }
  const other = right.member === wrong.member ? "" : `, as in ${JSON.stringify(nameAt(members, right))}`;
  return formatError("its planes are not of the size and type of the other files of the acquisition", {
    ...fields,
    allowed: `${allowed}${other}`,
    remedy:
      "Bring this file again with planes of that size and type, or move it to another folder if it belongs to another acquisition",
  });
}

function nameAt(members: readonly TiffFile[], { member }: PlanesOfKind["place"]): string {
  return basename(memberOf(members, member).file);
}

function memberOf(members: readonly TiffFile[], index: number): TiffFile {
  const member = members[index];
  if (member === undefined) throw new RangeError(`a series has no member ${index}`);
  return member;
}

export function sizeAndType(layout: PageLayout): string {
  return `${layout.width} x ${layout.length} ${layout.sampleType}`;
}

/**
 * Planes that follow each other without directories of their own, from the one that `page` describes (ImageJ above
 * 4 GiB, MetaMorph). Throws where the file is too short for `planes` of them, or stores them in another way.
 */
export function checkContiguousPlanes(tiff: TiffFile, page: number, planes: number, saidBy: string): void {
  const layout = pageLayout(tiff, page);
  const start = tiff.pages.startOf[page] ?? Number.NaN;
  const end = start + planes * planeBytes(layout);
  if (end <= tiff.size) return;
  throw formatError(`the file has fewer planes than its ${saidBy} claims`, {
    code: "tiff-planes-missing",
    file: tiff.file,
    found: Number.isNaN(start)
      ? `${tiff.pages.count} pages, not stored in one piece`
      : `a file of ${tiff.size} bytes`,
    allowed: Number.isNaN(start) ? `${planes} pages` : `${end} bytes for ${planes} planes`,
    remedy: "Copy it again, or wait until it is written completely.",
    retryable: true,
  });
}

function planeReader(series: TiffSeries, acquisition: Acquisition, pool: ReaderPool): PlaneReader {
  const { members, placeOf, facts } = series;
  return {
    acquisition,
    async readPlane(index, options) {
      refuseOutside(index, acquisition);
      const place = placeOf(storedIndex(facts.stored, index));
      const member = memberOf(members, place.member);
      return pool.use(member.file, (reader) =>
        readTiffPlane(reader, member, place, options?.into, options?.signal),
      );
    },
  };
}
