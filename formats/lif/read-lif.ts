import { type Acquisition, planeCount, sampleTypes } from "../../core/acquisition.ts";
import { type EdgeError, formatError, isEdgeError, unsupportedError } from "../../core/errors.ts";
import { present } from "../../core/record.ts";
import { reopenedSource } from "../file/byte-source.ts";
import type { ReadLimits } from "../file/reading.ts";
import {
  type FormatReader,
  type PlaneReader,
  refuseOutside,
  type SeriesFound,
} from "../plane/plane-source.ts";
import { findLifBlocks, isLif, type LifBlock, readLifXml } from "./container.ts";
import { type LifImage, readLifImages } from "./images.ts";
import { type LifLayout, layoutOf } from "./layout.ts";
import { recordingXml } from "./recording.ts";
import { readStridedPlane } from "./strided-plane.ts";

/**
 * Reads Leica's LIF: each image of it is a series, and each tile of a mosaic one of its own. Nothing is held but where
 * the blocks lie and what the XML says of each image.
 */
export const lifReader: FormatReader = {
  recognises: isLif,
  async find(source, limits, reading) {
    const { file } = source;
    const { xml, end } = await readLifXml(source, limits);
    const { version, images } = readLifImages(xml, file, limits, reading);
    const wanted = new Set(images.flatMap(({ memory }) => memory["MemoryBlockID"] ?? []));
    const blocks = await findLifBlocks(source, { from: end, version, wanted }, limits, reading);
    if (images.length === 0) {
      throw formatError("the LIF holds no image", {
        code: "lif-no-image",
        file,
        remedy: "Save it again from LAS X, with its images.",
      });
    }
    const { get, close } = reopenedSource(file);
    const found: (TileOfImage | EdgeError)[] = [];
    for (const image of images) found.push(...tilesOf(image, { file, blocks, limits, before: found.length }));
    const series = found.map((one, index): SeriesFound => {
      if (isEdgeError(one)) return { refusal: one };
      const acquisition = { ...describe(one, file), series: index, seriesCount: found.length };
      return planeReader(one, acquisition, get);
    });
    return { series, files: [file], close };
  },
};

/** One tile of an image; the whole of an image that is no mosaic. */
interface TileOfImage {
  readonly image: LifImage;
  readonly layout: LifLayout;
  readonly block: LifBlock;
  /** From 0. */
  readonly tile: number;
}

interface Found {
  readonly file: string;
  readonly blocks: ReadonlyMap<string, LifBlock>;
  readonly limits: ReadLimits;
  /** Series that were found before. */
  readonly before: number;
}

function tilesOf(image: LifImage, found: Found): readonly (TileOfImage | EdgeError)[] {
  const { file, limits } = found;
  try {
    const layout = layoutOf(image, file);
    const { sizes, sampleType, strides } = layout;
    const tiles = strides.tile.count;
    const planeBytes = sizes.y * sizes.x * sampleTypes[sampleType].bytes;
    const planes = tiles * planeCount(sizes);
    if (
      planes > limits.maxPlanes ||
      planeBytes > limits.maxPlaneBytes ||
      found.before + tiles > limits.maxSeries
    ) {
      throw unsupportedError("the image is larger than is allowed", {
        code: "lif-image-large",
        file,
        at: placeOf(image),
        found: `${tiles} tiles, ${planes} planes of ${planeBytes} bytes`,
        allowed: `${limits.maxSeries} tiles in a file, ${limits.maxPlanes} planes of ${limits.maxPlaneBytes} bytes`,
        remedy: "Save it in parts.",
      });
    }
    const block = blockOf(image, layout, found);
    return Array.from({ length: tiles }, (_, tile) => ({ image, layout, block, tile }));
  } catch (error) {
    if (!isEdgeError(error)) throw error;
    return [error];
  }
}

/** The block with the samples of an image. Throws where it is not there, or shorter than the image or than the XML says. */
function blockOf(image: LifImage, layout: LifLayout, { file, blocks }: Found): LifBlock {
  const { Size, MemoryBlockID } = image.memory;
  const block = blocks.get(MemoryBlockID ?? "");
  const wanted = Math.max(layout.spanBytes, Number(Size ?? 0));
  if (block !== undefined && block.bytes >= wanted) return block;
  const name = JSON.stringify(MemoryBlockID ?? "");
  if (Size === "0" && (block?.bytes ?? 0) === 0) {
    throw unsupportedError("the image has no samples", {
      code: "lif-image-empty",
      file,
      at: placeOf(image),
      found: `the memory block ${name} of 0 bytes`,
      remedy: "Record it again; its recording may have been stopped.",
    });
  }
  throw formatError("the samples of the image are not, or not yet, in the LIF", {
    code: "lif-block-missing",
    file,
    at: placeOf(image),
    found:
      block === undefined ? `no memory block ${name}` : `the memory block ${name} of ${block.bytes} bytes`,
    allowed: Number.isNaN(wanted) ? "a stated size" : `${wanted} bytes`,
    remedy: "Wait until it is saved completely, or copy it again.",
    retryable: true,
  });
}

function placeOf(image: LifImage): string {
  return `image ${JSON.stringify(image.path)}`;
}

function describe({ image, layout, tile }: TileOfImage, file: string): Acquisition {
  const { stored, sizes, sampleType, significantBits, pixelSize, timeIncrement, channels, strides } = layout;
  const tiles = strides.tile.count;
  const name = tiles === 1 ? image.path : `${image.path} tile ${tile + 1}`;
  const isPlaced = image.tiles.length === tiles;
  const notes = [...layout.notes];
  if (tiles > 1) {
    notes.push(
      `tile ${tile + 1} of ${tiles} of a mosaic${isPlaced ? "" : "; the LIF does not state where each tile lies"}`,
    );
  }
  const recorded = isPlaced ? image : { ...image, tiles: [] };
  return {
    file,
    members: [file],
    series: 0,
    seriesCount: 1,
    ...(name === "" ? {} : { name }),
    make: "Leica LIF",
    axes: `${stored.letters}YX`,
    shape: [...stored.lengths, sizes.y, sizes.x],
    sizes,
    sampleType,
    ...present({ significantBits, timeIncrement }),
    pixelSize,
    channels,
    compression: "none",
    byteOrder: "little",
    original: {
      kind: "ome-xml",
      imageIndex: 0,
      // Made when it is asked for: each tile has all settings and times of its mosaic.
      get xml() {
        return recordingXml(recorded, name, tile);
      },
    },
    notes,
  };
}

function planeReader(
  { layout, block, tile }: TileOfImage,
  acquisition: Acquisition,
  openSource: ReturnType<typeof reopenedSource>["get"],
): PlaneReader {
  const { sampleType, strides, channelStarts } = layout;
  const { x, y, z, t } = strides;
  const tileStart = block.start + tile * strides.tile.bytes;
  return {
    acquisition,
    async readPlane(index, options) {
      options?.signal?.throwIfAborted();
      refuseOutside(index, acquisition);
      const start = tileStart + (channelStarts[index.c] ?? 0) + index.z * z.bytes + index.t * t.bytes;
      const target = options?.into ?? sampleTypes[sampleType].make(x.count * y.count);
      await readStridedPlane(await openSource(), { start, sampleType, x, y }, target, options?.signal);
      return target;
    },
  };
}
