import { SaxesParser, type SaxesTagNS } from "saxes";
import { type EdgeError, formatError, unsupportedError } from "../../core/errors.ts";
import { present } from "../../core/record.ts";
import type { ReadLimits } from "../file/reading.ts";

/** Which pages hold planes from a first one on, in DimensionOrder: element TiffData. */
export interface TiffData {
  /** Page of the first plane; undefined where the attribute is absent. */
  readonly ifd: number | undefined;
  readonly firstT: number;
  readonly firstC: number;
  readonly firstZ: number;
  readonly planeCount: number | undefined;
  /** The file that holds them, where one is named. */
  readonly uuid?: string;
  readonly fileName?: string;
}

export interface OmeChannel {
  readonly name?: string;
  readonly samplesPerPixel: number;
}

/** One Image with its Pixels. Numbers are as the attributes state them. */
export interface OmeImage {
  /** Its place among the Image elements of the document, from 0. */
  readonly index: number;
  readonly name?: string;
  /** "XYZCT" and so on, fastest first. */
  readonly dimensionOrder: string;
  readonly sizeX: number;
  readonly sizeY: number;
  readonly sizeZ: number;
  readonly sizeC: number;
  readonly sizeT: number;
  readonly significantBits?: number;
  readonly physicalSize: Readonly<Record<"x" | "y" | "z", Stated | undefined>>;
  readonly timeIncrement: Stated | undefined;
  readonly channels: readonly OmeChannel[];
  readonly tiffData: readonly TiffData[];
}

export interface Stated {
  readonly value: number;
  readonly unit: string | undefined;
}

export interface OmeDocument {
  /** UUID of the file that the document stands in. */
  readonly uuid?: string;
  /** The file that holds the metadata, where this one has none of its own. */
  readonly binaryOnly?: { readonly metadataFile?: string; readonly uuid?: string };
  readonly images: readonly OmeImage[];
}

/** Whether an ImageDescription, or the start of a file, is meant as OME-XML. */
export function looksLikeOmeXml(text: string): boolean {
  const head = text.slice(0, 8192);
  return /^\uFEFF?\s*</.test(head) && /<(\w+:)?OME[\s>]/.test(head);
}

/**
 * Reads OME-XML of the schemas 2003 to 2016. Only well-formed XML without a document type is taken, so no entity
 * is ever expanded. Throws `EdgeError` (`format`).
 */
export function readOmeXml(xml: string, file: string, limits: ReadLimits): OmeDocument {
  const parser = new SaxesParser({ xmlns: true, position: true });
  const refuse: Refuse = (what, found) =>
    formatError(what, {
      code: "ome-xml",
      file,
      at: `OME-XML line ${parser.line}, column ${parser.column}`,
      ...present({ found }),
      remedy: "Save the image again with the program that wrote it, or as plain TIFF.",
    });

  const path: string[] = [];
  const images: ImageDraft[] = [];
  let uuid: string | undefined;
  let binaryOnly: OmeDocument["binaryOnly"];
  let blocks = 0;

  parser.on("error", (error) => {
    throw refuse("the OME-XML is not well-formed", error.message.replace(/^\d+:\d+: /, ""));
  });
  parser.on("doctype", () => {
    throw refuse("OME-XML with a document type (DTD) is not read");
  });
  parser.on("opentag", (node) => {
    const parent = path.at(-1);
    path.push(node.local);
    if (/^ModuloAlong[ZCT]$/.test(node.local)) {
      throw unsupportedError("OME-XML that splits an axis further is not read", {
        code: "ome-modulo",
        file,
        found: `${node.local} (${attribute(node, "Type") ?? "of no stated type"})`,
        remedy: "Save each of its parts (angle, phase, lifetime, ...) as a separate image.",
      });
    }
    const image = images.at(-1);
    if (path.length === 1) {
      if (node.local !== "OME") throw refuse("the XML is not OME-XML", `root element ${node.local}`);
      uuid = attribute(node, "UUID");
    } else if (parent === "OME" && node.local === "BinaryOnly") {
      const metadataFile = attribute(node, "MetadataFile");
      binaryOnly = present({ metadataFile, uuid: attribute(node, "UUID") });
    } else if (parent === "OME" && node.local === "Image") {
      if (images.length === limits.maxSeries) {
        throw refuse("the OME-XML describes more images than are allowed", `more than ${limits.maxSeries}`);
      }
      images.push({ image: node, pixels: [], channels: [], tiffData: [] });
    } else if (image === undefined) {
      return;
    } else if (parent === "Image" && node.local === "Pixels") {
      image.pixels.push(node);
    } else if (parent === "Image" && node.local === "LogicalChannel") {
      image.channels.push(node);
    } else if (parent === "Pixels" && image.pixels.length === 1) {
      // Of several Pixels of one image (schemas before 2010) the first is the acquired one.
      if (node.local === "Channel") image.channels.push(node);
      if (node.local !== "TiffData") return;
      blocks += 1;
      if (blocks > limits.maxPlanes) {
        throw refuse("the OME-XML lists more planes than are allowed", `more than ${limits.maxPlanes}`);
      }
      image.tiffData.push(tiffDataOf(node, refuse));
    } else if (parent === "TiffData" && node.local === "UUID") {
      image.uuid = { fileName: attribute(node, "FileName"), text: "" };
    }
  });
  parser.on("text", (characters) => {
    const uuidNode = images.at(-1)?.uuid;
    if (uuidNode !== undefined && path.at(-1) === "UUID") uuidNode.text += characters;
  });
  parser.on("closetag", () => {
    const image = images.at(-1);
    if (path.pop() !== "UUID" || image?.uuid === undefined) return;
    const block = image.tiffData.at(-1);
    // Only the first UUID of a block counts.
    if (block !== undefined && block.uuid === undefined) {
      const named = present({ uuid: image.uuid.text.trim(), fileName: image.uuid.fileName });
      image.tiffData[image.tiffData.length - 1] = { ...block, ...named };
    }
    delete image.uuid;
  });
  parser.write(xml).close();

  return {
    ...present({ uuid, binaryOnly }),
    images: images.flatMap((draft, index) => {
      const pixels = draft.pixels[0];
      return pixels === undefined ? [] : [imageOf(draft, pixels, index, refuse)];
    }),
  };
}

/** What the first elements of OME-XML say, which are read although the rest may be long. */
export interface OmeHead {
  /** Of the root element. */
  readonly uuid?: string;
  /** It is OME-XML, and leaves the metadata to no other file. */
  readonly describes: boolean;
}

/** How far the first two elements of a document reach at most, in characters. */
const headLength = 65_536;
const headStep = 1024;

/** The head of text that may be OME-XML, as an ImageDescription. */
export function readOmeHead(xml: string): OmeHead {
  let uuid: string | undefined;
  let describes = false;
  if (!looksLikeOmeXml(xml)) return { describes };
  let elements = 0;
  const parser = new SaxesParser({ xmlns: true });
  parser.on("error", () => {});
  parser.on("opentag", (node) => {
    elements += 1;
    if (elements === 1) uuid = attribute(node, "UUID");
    if (elements === 2) describes = node.local !== "BinaryOnly";
  });
  for (let at = 0; at < Math.min(xml.length, headLength) && elements < 2; at += headStep) {
    parser.write(xml.slice(at, at + headStep));
  }
  return { ...present({ uuid }), describes };
}

type Refuse = (what: string, found?: string) => EdgeError;

interface ImageDraft {
  readonly image: SaxesTagNS;
  readonly pixels: SaxesTagNS[];
  readonly channels: SaxesTagNS[];
  readonly tiffData: TiffData[];
  /** The UUID element that is open now. */
  uuid?: { readonly fileName: string | undefined; text: string };
}

function tiffDataOf(node: SaxesTagNS, refuse: Refuse): TiffData {
  return {
    ifd: count(node, "IFD", refuse),
    firstT: count(node, "FirstT", refuse) ?? 0,
    firstC: count(node, "FirstC", refuse) ?? 0,
    firstZ: count(node, "FirstZ", refuse) ?? 0,
    // NumPlanes is the name in schemas before 2007.
    planeCount: count(node, "PlaneCount", refuse) ?? count(node, "NumPlanes", refuse),
  };
}

function imageOf(draft: ImageDraft, pixels: SaxesTagNS, index: number, refuse: Refuse): OmeImage {
  const size = (name: string): number => {
    const value = count(pixels, name, refuse);
    if (value === undefined || value === 0) {
      throw refuse(`Pixels of the OME-XML lack ${name}`, attribute(pixels, name));
    }
    return value;
  };
  const dimensionOrder = attribute(pixels, "DimensionOrder") ?? "";
  if (!/^XY(?=.*Z)(?=.*C)(?=.*T)[ZCT]{3}$/.test(dimensionOrder)) {
    throw refuse("DimensionOrder of the OME-XML is impossible", JSON.stringify(dimensionOrder));
  }
  const significantBits = count(pixels, "SignificantBits", refuse);
  return {
    index,
    ...present({ name: attribute(draft.image, "Name"), significantBits }),
    dimensionOrder,
    sizeX: size("SizeX"),
    sizeY: size("SizeY"),
    sizeZ: size("SizeZ"),
    sizeC: size("SizeC"),
    sizeT: size("SizeT"),
    physicalSize: {
      x: stated(pixels, "PhysicalSizeX"),
      y: stated(pixels, "PhysicalSizeY"),
      z: stated(pixels, "PhysicalSizeZ"),
    },
    timeIncrement: stated(pixels, "TimeIncrement"),
    channels: draft.channels.map((node) => ({
      ...present({ name: attribute(node, "Name") }),
      samplesPerPixel: count(node, "SamplesPerPixel", refuse) ?? 1,
    })),
    tiffData: draft.tiffData,
  };
}

/** A number with the unit that its sister attribute states; undefined where it is no number. */
function stated(node: SaxesTagNS, name: string): Stated | undefined {
  const value = Number.parseFloat(attribute(node, name) ?? "");
  return Number.isNaN(value) ? undefined : { value, unit: attribute(node, `${name}Unit`) };
}

function attribute(node: SaxesTagNS, name: string): string | undefined {
  return node.attributes[name]?.value;
}

function count(node: SaxesTagNS, name: string, refuse: Refuse): number | undefined {
  const value = attribute(node, name);
  if (value === undefined) return undefined;
  const number = Number(value);
  if (value.trim() === "" || !Number.isSafeInteger(number) || number < 0) {
    throw refuse(`attribute ${name} of the OME-XML is not a count`, JSON.stringify(value));
  }
  return number;
}
