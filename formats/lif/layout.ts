import {
  type Channel,
  type Duration,
  type Length,
  type PixelSize,
  type SampleType,
  type Sizes,
  sampleTypes,
} from "../../core/acquisition.ts";
import { type EdgeError, formatError, unsupportedError } from "../../core/errors.ts";
import { present } from "../../core/record.ts";
import { statedDuration, statedLength } from "../ome/units.ts";
import type { StoredAxes } from "../plane/stored-axes.ts";
import type { Attributes, LifChannel, LifImage } from "./images.ts";

/** Elements of an image along one direction: how many there are, and bytes from one to the next. */
export interface Stride {
  readonly count: number;
  readonly bytes: number;
}

/** How the samples of an image lie in its block, and what they mean. Pure. */
export interface LifLayout {
  readonly sampleType: SampleType;
  readonly significantBits?: number;
  readonly sizes: Sizes;
  /** Beside Y and X, slowest first; without axes of length 1 and without tiles. */
  readonly stored: StoredAxes;
  /** Along the axes of a plane, and from one plane to another. */
  readonly strides: Readonly<Record<"x" | "y" | "z" | "c" | "t" | "tile", Stride>>;
  /** Bytes from channel 0 in the sense of `channels`, by its index; in a colour image blue may be stored first. */
  readonly channelStarts: readonly number[];
  /** Bytes from the first sample to the end of the last one. */
  readonly spanBytes: number;
  readonly pixelSize: PixelSize;
  readonly timeIncrement?: Duration;
  readonly channels: readonly Channel[];
  readonly notes: readonly string[];
}

/** What DimID means; T, Z, Y, X and the tiles of a mosaic are read. */
const dimensionNames: Readonly<Record<number, string>> = {
  1: "X",
  2: "Y",
  3: "Z",
  4: "T",
  5: "λ (emission wavelength)",
  6: "rotation",
  7: "XT slices",
  8: "T slices",
  9: "Λ (excitation wavelength)",
  10: "mosaic",
  11: "loop",
};

interface Dimension extends Stride {
  readonly id: number;
  /** From its first element to its last one, in `unit`. */
  readonly extent: number;
  readonly unit: string;
}

const one: Stride = { count: 1, bytes: 0 };

/**
 * The layout of an image. Throws `EdgeError`: `unsupported` for dimensions and samples that are not read, `format`
 * where the description contradicts itself.
 */
export function layoutOf(image: LifImage, file: string): LifLayout {
  const fault: Fault = (what, found) =>
    formatError(what, { ...faultFields(image, file, found), code: "lif-image" });
  const refuse: Fault = (what, found) =>
    unsupportedError(what, {
      ...faultFields(image, file, found),
      code: "lif-image-kind",
      remedy: "Export this image from LAS X as OME-TIFF.",
    });
  if (image.kind === "flim") throw refuse("the photons of a lifetime recording (FLIM) are not read");
  const dimensions = dimensionsOf(image, fault, refuse);
  const samples = samplesOf(image.channels, fault, refuse);
  const { bytes } = sampleTypes[samples.sampleType];
  const dimension = (id: number) => dimensions.find((each) => each.id === id);

  const x = dimension(1);
  if (x === undefined) throw refuse("an image without an axis X is not read");
  const [y, z, t, tile] = [dimension(2), dimension(3), dimension(4), dimension(10)];
  const isXz = z !== undefined && (y === undefined || z.bytes < y.bytes);
  const [rows, depth] = isXz ? [z, y] : [y, z];
  const isColour = samples.channels.length === 3 && x.bytes > bytes;
  const channels = isColour ? inColourOrder(samples.channels) : samples.channels;
  const c = channelStride(samples.channels, refuse);
  const strides = { x, y: rows ?? one, z: depth ?? one, c, t: t ?? one, tile: tile ?? one };
  const { significantBits } = samples;
  return {
    sampleType: samples.sampleType,
    ...present({ significantBits, timeIncrement: t && timeStep(t) }),
    sizes: { t: strides.t.count, c: c.count, z: strides.z.count, y: strides.y.count, x: x.count },
    stored: storedAxes(strides),
    strides,
    channelStarts: channels.map(({ start }) => start),
    spanBytes: spanOf(Object.values(strides), bytes, fault),
    pixelSize: present({ x: step(x), y: rows && step(rows), z: depth && step(depth) }),
    channels: channels.map(({ name }) => present({ name })),
    notes: notesOf({ isXz, rows, depth, isColour }),
  };
}

type Fault = (what: string, found?: string) => EdgeError;

function faultFields(image: LifImage, file: string, found: string | undefined) {
  return { file, at: `image ${JSON.stringify(image.path)}`, ...present({ found }) };
}

/** Far more than there are kinds of. */
const mostDimensions = 32;

/** Those with more than one element, and X; each at most once. */
function dimensionsOf({ dimensions }: LifImage, fault: Fault, refuse: Fault): readonly Dimension[] {
  if (dimensions.length > mostDimensions) {
    throw refuse("so many dimensions are not read", `${dimensions.length}`);
  }
  const all = dimensions.map((attributes): Dimension => {
    const [id, count] = [
      wholeNumber(attributes, "DimID", fault),
      wholeNumber(attributes, "NumberOfElements", fault),
    ];
    const bytes = wholeNumber(attributes, "BytesInc", fault);
    refuseBits(attributes, refuse);
    return { id, count, bytes, extent: Number(attributes["Length"]), unit: attributes["Unit"] ?? "" };
  });
  const kept = all.filter(({ id, count }) => count !== 1 || id === 1);
  const twice = kept.find(({ id }, i) => kept.findIndex((other) => other.id === id) !== i);
  if (twice !== undefined) throw fault("a dimension is described twice", nameOf(twice));
  const empty = kept.find(({ count }) => count === 0);
  if (empty !== undefined) throw fault("a dimension has no elements", nameOf(empty));
  const unread = kept.filter(({ id }) => ![1, 2, 3, 4, 10].includes(id));
  if (unread.length > 0) {
    const found = unread.map((each) => `${nameOf(each)}: ${each.count} elements`).join(", ");
    throw refuse("a dimension of this kind is not read", found);
  }
  return kept;
}

function nameOf({ id }: Dimension): string {
  return dimensionNames[id] ?? `DimID ${id}`;
}

interface StoredChannel {
  /** Byte of its first sample in the block. */
  readonly start: number;
  /** 0 grey, 1 red, 2 green, 3 blue. */
  readonly tag: string;
  readonly name: string | undefined;
}

/** The samples' type, and the channels in the order in which they are stored. */
function samplesOf(described: readonly LifChannel[], fault: Fault, refuse: Fault) {
  const [first] = described;
  if (first === undefined) throw fault("the image has no channel");
  const kind = ({ attributes }: LifChannel) =>
    `DataType ${attributes["DataType"] ?? "unknown"}, Resolution ${attributes["Resolution"] ?? "unknown"}`;
  const other = described.find((channel) => kind(channel) !== kind(first));
  if (other !== undefined) {
    throw refuse("channels of several sample types are not read", `${kind(first)}; ${kind(other)}`);
  }
  const bits = wholeNumber(first.attributes, "Resolution", fault);
  const sampleType = sampleTypeOf(first.attributes["DataType"] ?? "", bits);
  if (sampleType === undefined) throw refuse("samples of this type are not read", kind(first));
  const channels = described.map(({ attributes, properties }): StoredChannel => {
    refuseBits(attributes, refuse);
    const dye = properties["DyeName"]?.trim() || attributes["LUTName"]?.trim();
    return {
      start: wholeNumber(attributes, "BytesInc", fault),
      tag: attributes["ChannelTag"] ?? "",
      name: dye || undefined,
    };
  });
  const { integer, bytes } = sampleTypes[sampleType];
  return {
    sampleType,
    significantBits: integer && bits < 8 * bytes ? bits : undefined,
    channels: channels.sort((a, b) => a.start - b.start),
  };
}

/** `dataType`: "0" integer, "1" float. */
function sampleTypeOf(dataType: string, bits: number): SampleType | undefined {
  if (dataType === "1") return bits === 32 ? "float32" : bits === 64 ? "float64" : undefined;
  if (dataType !== "0" || bits < 1 || bits > 32) return undefined;
  if (bits <= 8) return "uint8";
  return bits <= 16 ? "uint16" : "uint32";
}

function refuseBits({ BitInc }: Attributes, refuse: Fault): void {
  if (Number(BitInc ?? 0) !== 0) throw refuse("samples packed in bits are not read", `BitInc ${BitInc}`);
}

function channelStride(channels: readonly StoredChannel[], refuse: Fault): Stride {
  const bytes = channels[1]?.start ?? 0;
  const irregular = channels.find(({ start }, i) => start !== i * bytes);
  if (irregular === undefined) return { count: channels.length, bytes };
  const found = `bytes ${channels.map(({ start }) => start).join(", ")}`;
  throw refuse("channels that do not lie at equal distances are not read", found);
}

/** Red, green, blue, whichever is stored first; as stored where the tags say nothing else. */
function inColourOrder(channels: readonly StoredChannel[]): readonly StoredChannel[] {
  const tags = channels.map(({ tag }) => tag);
  if ([...tags].sort().join() !== "1,2,3") return channels;
  return [...channels].sort((a, b) => Number(a.tag) - Number(b.tag));
}

/** Checks that no two samples share a byte: each stride steps over all that lies along the smaller ones. */
function spanOf(strides: readonly Stride[], sampleBytes: number, fault: Fault): number {
  let span = sampleBytes;
  const long = strides.filter(({ count }) => count > 1).sort((a, b) => a.bytes - b.bytes);
  for (const { count, bytes } of long) {
    if (bytes < span || bytes % sampleBytes !== 0) {
      throw fault("the image's strides overlap", `BytesInc ${bytes} of ${count} elements of ${span} bytes`);
    }
    span += (count - 1) * bytes;
  }
  return span;
}

function storedAxes(strides: LifLayout["strides"]): StoredAxes {
  const long = (["t", "c", "z"] as const).filter((axis) => strides[axis].count > 1);
  long.sort((a, b) => strides[b].bytes - strides[a].bytes);
  return { letters: long.join("").toUpperCase(), lengths: long.map((axis) => strides[axis].count) };
}

/** From one element to the next, in µm where it is a length; a Z that was scanned downwards has a negative extent. */
function step(dimension: Dimension): Length | undefined {
  const stated = statedLength(Math.abs(distance(dimension)), dimension.unit);
  return stated?.um === undefined ? stated : { value: stated.um, unit: "µm", um: stated.um };
}

function timeStep(dimension: Dimension): Duration | undefined {
  return statedDuration(distance(dimension), dimension.unit);
}

/** A LIF states extents with 7 digits. */
function distance({ extent, count }: Dimension): number {
  return Number((extent / (count - 1)).toPrecision(9));
}

function notesOf(facts: {
  isXz: boolean;
  rows: Dimension | undefined;
  depth: Dimension | undefined;
  isColour: boolean;
}): string[] {
  const notes: string[] = [];
  if (facts.isXz && facts.depth !== undefined) {
    notes.push("each image was scanned in X and Z: Z is read as Y, and Y as depth (Z)");
  } else if (facts.isXz) notes.push("each image was scanned in X and Z: Z is read as Y");
  if (facts.rows === undefined) notes.push("each image is one line: it is read as a plane of one row");
  if (facts.isColour) notes.push("a colour image: its red, green and blue are read as channels");
  return notes;
}

function wholeNumber(attributes: Attributes, name: string, fault: Fault): number {
  const stated = attributes[name];
  const value = Number(stated);
  if (stated === undefined || !/^\d+$/.test(stated) || !Number.isSafeInteger(value)) {
    throw fault(
      `${name} in the XML of the LIF is no count`,
      stated === undefined ? "none" : JSON.stringify(stated),
    );
  }
  return value;
}
