import { SaxesParser } from "saxes";
import { type EdgeError, formatError, unsupportedError } from "../../core/errors.ts";
import { type Reading, type ReadLimits, takeStep } from "../file/reading.ts";
import type { LifVersion } from "./container.ts";

/** The attributes of an element, as they stand in the XML. */
export type Attributes = Readonly<Record<string, string>>;

export interface LifChannel {
  readonly attributes: Attributes;
  /** Key and Value of its ChannelProperty elements: DyeName and others. */
  readonly properties: Readonly<Record<string, string>>;
}

/** One image as the XML describes it. Nothing is checked: what is wrong with one image is no matter of the others. */
export interface LifImage {
  /** The names of its element and of those around it but the outermost, joined with "/". */
  readonly path: string;
  /** Photons of a lifetime recording are listed as an image too. */
  readonly kind: "image" | "flim";
  readonly channels: readonly LifChannel[];
  /** Element DimensionDescription, in document order. */
  readonly dimensions: readonly Attributes[];
  /** Element Memory, which names the block. */
  readonly memory: Attributes;
  /** What the microscope was set to: line averaging, scan speed, zoom, ... under Leica's own names. */
  readonly settings: ReadonlyMap<string, string>;
  readonly tileScan: Attributes;
  /** Element Tile of the tile scan, in document order. */
  readonly tiles: readonly Attributes[];
  /** Milliseconds since 1970, of each recorded frame. */
  readonly timesMs: readonly number[];
}

/** Far deeper than LAS X nests, and shallow enough that a path costs nothing. */
const maxDepth = 512;

/** Characters of the XML between two signs of life: 100 MB of it take seconds. */
const stepLength = 1 << 20;

interface Draft extends LifImage {
  readonly channels: { attributes: Attributes; properties: Record<string, string> }[];
  readonly dimensions: Attributes[];
  memory: Attributes;
  readonly settings: Map<string, string>;
  tileScan: Attributes;
  readonly tiles: Attributes[];
  readonly timesMs: number[];
}

/** An element that may hold an image, and elements of the same kind. */
interface Container {
  readonly path: string;
  /** Elements between it and the open one. */
  readonly inside: string[];
  image?: Draft;
  memory: Attributes;
}

/**
 * Reads which images the XML of a LIF describes. Only well-formed XML without a document type is taken, so no entity
 * is ever expanded. Throws `EdgeError`.
 */
export function readLifImages(
  xml: string,
  file: string,
  limits: ReadLimits,
  reading: Reading,
): { readonly version: LifVersion; readonly images: readonly LifImage[] } {
  const parser = new SaxesParser<{ xmlns: false }>({ xmlns: false });
  const refuse = (what: string, found: string): EdgeError =>
    formatError(what, {
      code: "lif-xml",
      file,
      at: `XML of the LIF, line ${parser.line}, column ${parser.column}`,
      found,
      remedy: "Copy the file again, or save it again from LAS X.",
    });
  const images: Draft[] = [];
  const open: Container[] = [];
  let depth = 0;
  let version: LifVersion | undefined;
  let text = "";
  let key = "";
  let attachment: Attributes = {};

  const startImage = (container: Container, kind: LifImage["kind"]): void => {
    if (container.image !== undefined) return;
    if (images.length === limits.maxSeries) {
      throw refuse("the LIF describes more images than are allowed", `more than ${limits.maxSeries}`);
    }
    const { path, memory } = container;
    const lists = { channels: [], dimensions: [], tiles: [], timesMs: [] };
    container.image = { path, kind, memory, settings: new Map(), tileScan: {}, ...lists };
    images.push(container.image);
  };
  const describe = (image: Draft, place: string, attributes: Attributes): void => {
    if (place === channelPlace) image.channels.push({ attributes, properties: {} });
    else if (place === dimensionPlace) image.dimensions.push(attributes);
    else if (place === `${stampsPlace}/TimeStamp`) addTime(image, fileTimeOf(attributes));
    else if (place === attachmentPlace) {
      attachment = attributes;
      if (attributes["Name"] === "TileScanInfo") image.tileScan = attributes;
      if (attributes["Name"] === "HardwareSetting") addSettings(image, attributes);
    } else if (place === `${attachmentPlace}/Tile` && attachment["Name"] === "TileScanInfo") {
      image.tiles.push(attributes);
    } else if (/^Data\/Image\/Attachment\/ATL\w+SettingDefinition$/.test(place)) {
      addSettings(image, attributes);
    } else if (place.endsWith("/ScannerSetting/ScannerSettingRecord")) {
      // Versions of LAS AF before 3.
      const { Identifier, Variant } = attributes;
      if (Identifier !== undefined && Variant !== undefined) addSettings(image, { [Identifier]: Variant });
    }
  };

  parser.on("error", (error) => {
    throw refuse("the XML of the LIF is not well-formed", error.message.replace(/^\d+:\d+: /, ""));
  });
  parser.on("doctype", () => {
    throw refuse("the XML of a LIF with a document type (DTD) is not read", "a document type");
  });
  parser.on("opentag", ({ name, attributes }) => {
    depth += 1;
    text = "";
    if (depth > maxDepth)
      throw refuse("the XML of the LIF is nested too deeply", `more than ${maxDepth} levels`);
    if (depth === 1) {
      version = versionOf(name, attributes, file);
      return;
    }
    const container = open.at(-1);
    const isContainer =
      name === "Element" && (container === undefined ? depth === 2 : container.inside.join() === "Children");
    if (isContainer) {
      // The outermost element is the file itself, and its name is no part of a path.
      const parent = open.length < 2 ? "" : `${container?.path}/`;
      open.push({ path: parent + (attributes["Name"] ?? ""), inside: [], memory: {} });
      return;
    }
    if (container === undefined) return;
    container.inside.push(name);
    const place = container.inside.join("/");
    if (place === "Data/Image") startImage(container, "image");
    else if (place === "Data/SingleMoleculeDetection" && attributes["IsImage"] === "true") {
      startImage(container, "flim");
    } else if (place === "Memory") {
      container.memory = attributes;
      if (container.image !== undefined) container.image.memory = attributes;
    } else if (container.image !== undefined) describe(container.image, place, attributes);
  });
  parser.on("text", (characters) => {
    text += characters;
  });
  parser.on("closetag", () => {
    depth -= 1;
    const container = open.at(-1);
    if (container === undefined) return;
    const place = container.inside.join("/");
    const channel = container.image?.channels.at(-1);
    if (place === `${channelPlace}/ChannelProperty/Key`) key = text;
    else if (place === `${channelPlace}/ChannelProperty/Value` && channel !== undefined) {
      channel.properties[key] = text;
    } else if (place === stampsPlace && container.image !== undefined) {
      for (const [word] of text.matchAll(/\S+/g)) addTime(container.image, `0x${word}`);
    }
    text = "";
    if (container.inside.pop() === undefined) open.pop();
  });
  for (let at = 0; at < xml.length; at += stepLength) {
    takeStep(reading);
    parser.write(xml.slice(at, at + stepLength));
  }
  parser.close();
  if (version === undefined) throw refuse("the XML of the LIF is empty", "no element");
  return { version, images };
}

const channelPlace = "Data/Image/ImageDescription/Channels/ChannelDescription";
const dimensionPlace = "Data/Image/ImageDescription/Dimensions/DimensionDescription";
const stampsPlace = "Data/Image/TimeStampList";
const attachmentPlace = "Data/Image/Attachment";

function versionOf(root: string, attributes: Attributes, file: string): LifVersion {
  const stated = attributes["Version"];
  if (root === "LMSDataContainerHeader" && (stated === "1" || stated === "2")) return stated === "1" ? 1 : 2;
  throw unsupportedError("this kind of Leica container is not read", {
    code: "lif-version",
    file,
    found: `${root}, version ${stated ?? "not stated"}`,
    allowed: "LMSDataContainerHeader, version 1 or 2",
    remedy: "Export it from LAS X as OME-TIFF.",
  });
}

/** Of a sequential recording several settings are stored: the first is kept. */
function addSettings(image: Draft, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (!image.settings.has(name)) image.settings.set(name, value);
  }
}

/** A Windows FILETIME: units of 100 ns since 1601. A word that is none is left out. */
function addTime(image: Draft, fileTime: string): void {
  if (!/^(0x[0-9a-fA-F]{1,16}|\d{1,20})$/.test(fileTime)) return;
  const ms = (BigInt(fileTime) - 116_444_736_000_000_000n) / 10_000n;
  if (ms > 0n) image.timesMs.push(Number(ms));
}

function fileTimeOf({ HighInteger, LowInteger }: Attributes): string {
  if (!/^\d{1,10}$/.test(HighInteger ?? "") || !/^\d{1,10}$/.test(LowInteger ?? "")) return "";
  return String((BigInt(HighInteger ?? 0) << 32n) + BigInt(LowInteger ?? 0));
}
