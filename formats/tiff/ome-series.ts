import { dirname, join } from "node:path";
import type { PixelSize } from "../../core/acquisition.ts";
import { type EdgeError, formatError, isEdgeError } from "../../core/errors.ts";
import { openByteSource } from "../file/byte-source.ts";
import type { ReadLimits } from "../file/limits.ts";
import { type MemberReference, mapOmePlanes, omeAxes } from "../ome/axes.ts";
import { statedDuration, statedLength } from "../ome/units.ts";
import { type OmeDocument, type OmeImage, omeUuid, only, readOmeXml, type Stated } from "../ome/xml-read.ts";
import type { SeriesFound } from "../plane/series-found.ts";
import { openDirectoryReader } from "./ifd.ts";
import { readPlainSeries } from "./plain-series.ts";
import { seriesFound, type TiffSeries } from "./series.ts";
import { pageLayout, readTiffFile, type TiffFile } from "./tiff-file.ts";

export interface OmeSource {
  /** Path as given. */
  readonly file: string;
  readonly xml: string;
  /** The TIFF that the XML stands in; undefined for a companion file. */
  readonly own: TiffFile | undefined;
  readonly limits: ReadLimits;
  readonly signal: AbortSignal | undefined;
}

/**
 * The images that OME-XML describes, with the files of their set. Throws `EdgeError` where the XML is damaged; an
 * image whose planes or files are missing is refused on its own.
 */
export async function readOmeSeries(source: OmeSource): Promise<readonly SeriesFound[]> {
  const { file, xml, limits } = source;
  const document = readOmeXml(xml, file, limits);
  if (document.images.length === 0) return seriesWithoutImages(source, document);
  const planes = document.images.reduce((sum, { sizeT, sizeC, sizeZ }) => sum + sizeT * sizeC * sizeZ, 0);
  if (planes > limits.maxPlanes) {
    throw formatError("the OME-XML describes more planes than are allowed", {
      code: "too-many-planes",
      file,
      found: String(planes),
      allowed: String(limits.maxPlanes),
      remedy: "Split the file.",
    });
  }
  const set = memberSet(source, document);
  const all: (TiffSeries | EdgeError)[] = [];
  for (const image of document.images) {
    try {
      all.push(await imageSeries(source, document, image, set));
    } catch (error) {
      if (!isEdgeError(error)) throw error;
      all.push(error);
    }
  }
  return seriesFound(all, limits);
}

/** A file of a set that leaves the metadata to another one is read as the pages that it has. */
function seriesWithoutImages(
  { file, own, limits }: OmeSource,
  document: OmeDocument,
): readonly SeriesFound[] {
  const { binaryOnly } = document;
  if (own === undefined || binaryOnly === undefined) {
    throw formatError("the OME-XML describes no image", {
      code: "ome-no-image",
      file,
      remedy: "Save the image again with the program that wrote it.",
    });
  }
  const master = binaryOnly.metadataFile ?? "another file";
  const notes = [
    `this is one file of a set that ${JSON.stringify(master)} describes; open that for the whole set`,
  ];
  return readPlainSeries(own, limits, { make: "OME-TIFF", describedBy: binaryOnly.metadataFile, notes });
}

/** A file of the set: its structure, and the UUID that its own OME-XML states. */
interface SetMember {
  readonly tiff: TiffFile;
  readonly uuid: string | undefined;
}

/** Reads the structure of the files of a set, each once. */
type MemberSet = (member: MemberReference) => Promise<SetMember>;

function memberSet({ file, own, limits, signal }: OmeSource, document: OmeDocument): MemberSet {
  const opened = new Map<string, Promise<SetMember>>();
  return async (member) => {
    if (member.own) {
      if (own === undefined) throw incomplete(file, "a file with pages");
      return { tiff: own, uuid: document.uuid };
    }
    const known = opened.get(member.fileName);
    if (known !== undefined) return known;
    if (opened.size === limits.maxMembers) {
      throw formatError("the set has more files than are allowed", {
        code: "ome-set-size",
        file,
        allowed: String(limits.maxMembers),
        remedy: "Split the set.",
      });
    }
    const reading = readMember(file, member.fileName, limits, signal);
    opened.set(member.fileName, reading);
    const found = await reading;
    if (member.uuid !== undefined && found.uuid !== undefined && found.uuid !== member.uuid) {
      throw formatError("a file of the set is not the one that the OME-XML means", {
        code: "ome-set-foreign",
        file,
        at: JSON.stringify(member.fileName),
        found: found.uuid,
        allowed: member.uuid,
        remedy: "Put the files of each set into a folder of their own.",
      });
    }
    return found;
  };
}

async function readMember(
  file: string,
  fileName: string,
  limits: ReadLimits,
  signal: AbortSignal | undefined,
): Promise<SetMember> {
  signal?.throwIfAborted();
  const source = await openByteSource(join(dirname(file), fileName)).catch((error: unknown) => {
    throw isEdgeError(error, "file-missing") ? incomplete(file, fileName) : error;
  });
  try {
    const tiff = await readTiffFile(await openDirectoryReader(source, limits), limits, signal);
    // Each file of a set may carry the whole XML; only the first one's is kept.
    return { tiff: { ...tiff, description: "" }, uuid: omeUuid(tiff.description) };
  } finally {
    await source.close();
  }
}

function incomplete(file: string, missing: string): EdgeError {
  return formatError("the set is incomplete: a file that its OME-XML names is missing", {
    code: "ome-set-incomplete",
    file,
    found: `no ${JSON.stringify(missing)} beside it`,
    remedy: "Copy the missing file into the same folder.",
    retryable: true,
  });
}

async function imageSeries(
  { file, own, xml }: OmeSource,
  document: OmeDocument,
  image: OmeImage,
  set: MemberSet,
): Promise<TiffSeries> {
  // A page that is no scalar image is refused as that, before its planes are counted.
  if (own !== undefined) pageLayout(own, Math.min(image.tiffData[0]?.ifd ?? 0, own.pages.count - 1));
  const planes = await mapOmePlanes(
    { file, document, image, hasPages: own !== undefined },
    async (member) => {
      return (await set(member)).tiff.pages.count;
    },
  );
  const members = await Promise.all(planes.members.map(async (member) => (await set(member)).tiff));
  const placeOf = (index: number) => ({
    member: planes.memberOf[index] ?? 0,
    page: planes.pageOf[index] ?? 0,
    skip: 0,
  });
  const first = placeOf(0);
  const layout = members[first.member] && pageLayout(members[first.member] as TiffFile, first.page);
  if (layout !== undefined && (layout.width !== image.sizeX || layout.length !== image.sizeY)) {
    throw formatError("the OME-XML and the pages do not agree on the size", {
      code: "ome-size",
      file,
      at: `image ${image.index}`,
      found: `pages of ${layout.width} x ${layout.length} pixels`,
      allowed: `SizeX ${image.sizeX}, SizeY ${image.sizeY}`,
      remedy: "Save the image again with the program that wrote it.",
    });
  }
  const { name, significantBits, timeIncrement } = image;
  const increment = timeIncrement && statedDuration(timeIncrement.value, timeIncrement.unit ?? "s");
  return {
    file,
    members,
    placeOf,
    facts: {
      make: "OME-TIFF",
      stored: omeAxes(image),
      ...(name === undefined ? {} : { name }),
      ...(significantBits === undefined ? {} : { significantBits }),
      ...(increment === undefined ? {} : { timeIncrement: increment }),
      pixelSize: pixelSize(image),
      channels: image.channels.map((channel) => (channel.name === undefined ? {} : { name: channel.name })),
      original: { kind: "ome-xml", xml, imageIndex: image.index },
      notes: planes.assumed ? ["the OME-XML lists no TiffData: pages are taken in DimensionOrder"] : [],
    },
  };
}

/** PhysicalSizeX, -Y, -Z; without a unit they are in µm (the schema's default). */
function pixelSize(image: OmeImage): PixelSize {
  const { x, y, z } = image.physicalSize;
  const length = (stated: Stated | undefined) => stated && statedLength(stated.value, stated.unit ?? "µm");
  return only<PixelSize>({ x: length(x), y: length(y), z: length(z) });
}
