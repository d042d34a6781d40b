import type { PixelSize } from "../../core/acquisition.ts";
import { formatError, isEdgeError } from "../../core/errors.ts";
import { present } from "../../core/record.ts";
import { mapOmePlanes, omeAxes, omeMembers } from "../ome/axes.ts";
import { statedDuration, statedLength } from "../ome/units.ts";
import { type OmeDocument, type OmeImage, readOmeXml, type Stated } from "../ome/xml-read.ts";
import { type MemberSet, memberSet, type OmeSource, refuseMissing } from "./ome-set.ts";
import { readPlainSeries } from "./plain-series.ts";
import type { FoundSeries, SeriesOrRefusal, TiffSeries } from "./series.ts";
import { pageLayout, type TiffFile } from "./tiff-file.ts";

/**
 * The images that OME-XML describes, with the files of their set. Throws `EdgeError` where the XML is damaged; an
 * image whose planes or files are missing is refused on its own.
 */
export async function readOmeSeries(source: OmeSource): Promise<FoundSeries> {
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
  const all: SeriesOrRefusal[] = [];
  for (const image of document.images) {
    try {
      all.push(await imageSeries(source, document, image, set.read));
    } catch (error) {
      if (!isEdgeError(error)) throw error;
      all.push(error);
    }
  }
  return { all, files: set.files() };
}

/** A file of a set that leaves the metadata to another one is read as the pages that it has. */
function seriesWithoutImages({ file, own }: OmeSource, document: OmeDocument): FoundSeries {
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
  return { all: readPlainSeries(own, { make: "OME-TIFF", describedBy: binaryOnly.metadataFile, notes }) };
}

async function imageSeries(
  source: OmeSource,
  document: OmeDocument,
  image: OmeImage,
  readMemberOf: MemberSet["read"],
): Promise<TiffSeries> {
  const { file, own, xml } = source;
  // A page that is no scalar image is refused as that, before its planes are counted.
  if (own !== undefined) pageLayout(own, Math.min(image.tiffData[0]?.ifd ?? 0, own.pages.count - 1));
  const sought = { file, document, image, hasPages: own !== undefined };
  await refuseMissing(source, omeMembers(sought));
  const planes = await mapOmePlanes(sought, async (member) => (await readMemberOf(member)).tiff.pages.count);
  const members = await Promise.all(planes.members.map(async (member) => (await readMemberOf(member)).tiff));
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
      ...present({ name, significantBits, timeIncrement: increment }),
      pixelSize: pixelSize(image),
      channels: image.channels.map((channel) => present({ name: channel.name })),
      original: { kind: "ome-xml", xml, imageIndex: image.index },
      notes: planes.assumed ? ["the OME-XML lists no TiffData: pages are taken in DimensionOrder"] : [],
    },
  };
}

/** PhysicalSizeX, -Y, -Z; without a unit they are in µm (the schema's default). */
function pixelSize(image: OmeImage): PixelSize {
  const { x, y, z } = image.physicalSize;
  const length = (stated: Stated | undefined) => stated && statedLength(stated.value, stated.unit ?? "µm");
  return present({ x: length(x), y: length(y), z: length(z) });
}
