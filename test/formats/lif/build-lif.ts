/** Writes Leica LIFs for tests: any order of dimensions, both versions of the container, mosaics and lies. */

export interface DimensionSpec {
  /** 1 X, 2 Y, 3 Z, 4 T, 5 λ, 10 mosaic. */
  readonly id: number;
  readonly count: number;
  readonly bytesInc: number;
  /** From the first element to the last one, in m or s. */
  readonly extent?: number;
}

export interface ChannelSpec {
  readonly bits: number;
  readonly float?: boolean;
  readonly bytesInc: number;
  readonly tag?: number;
  readonly lut?: string;
  readonly dye?: string;
}

export interface ImageSpec {
  readonly name: string;
  readonly dimensions?: readonly DimensionSpec[];
  readonly channels?: readonly ChannelSpec[];
  /** Without it the element holds no image, only its children. */
  readonly samples?: Buffer;
  /** Markup beside ImageDescription. */
  readonly attachments?: string;
  readonly children?: readonly ImageSpec[];
  /** Size that the XML states; that of the samples where absent. */
  readonly statedBytes?: number;
  readonly withoutBlock?: boolean;
}

export function buildLif(
  images: readonly ImageSpec[],
  { version = 2, root = "project" }: { readonly version?: 1 | 2; readonly root?: string } = {},
): Buffer {
  const blocks: Buffer[] = [block(version, "MemBlock_0", Buffer.alloc(0))];
  let number = 0;
  const elementOf = (image: ImageSpec): string => {
    number += 1;
    const id = `MemBlock_${number}`;
    const { samples } = image;
    if (samples !== undefined && image.withoutBlock !== true) blocks.push(block(version, id, samples));
    const size = image.statedBytes ?? samples?.length ?? 0;
    return (
      `<Element Name="${image.name}"><Data>${samples === undefined ? "" : imageXml(image)}</Data>` +
      `<Memory Size="${size}" MemoryBlockID="${id}"/>` +
      `<Children>${(image.children ?? []).map(elementOf).join("")}</Children></Element>`
    );
  };
  const elements = images.map(elementOf).join("");
  const xml =
    `<LMSDataContainerHeader Version="${version}"><Element Name="${root}"><Data><Experiment/></Data>` +
    `<Memory Size="0" MemoryBlockID="MemBlock_0"/><Children>${elements}</Children></Element></LMSDataContainerHeader>`;
  return Buffer.concat([xmlPart(xml), ...blocks]);
}

export function xmlPart(xml: string): Buffer {
  const text = Buffer.from(xml, "utf16le");
  const head = Buffer.alloc(13);
  head.writeUInt32LE(0x70, 0);
  head.writeUInt32LE(5 + text.length, 4);
  head[8] = 0x2a;
  head.writeUInt32LE(xml.length, 9);
  return Buffer.concat([head, text]);
}

function block(version: 1 | 2, name: string, samples: Buffer): Buffer {
  const sizeBytes = version === 1 ? 4 : 8;
  const head = Buffer.alloc(14 + sizeBytes);
  head.writeUInt32LE(0x70, 0);
  head.writeUInt32LE(6 + sizeBytes + 2 * name.length, 4);
  head[8] = 0x2a;
  if (version === 1) head.writeUInt32LE(samples.length, 9);
  else head.writeBigUInt64LE(BigInt(samples.length), 9);
  head[9 + sizeBytes] = 0x2a;
  head.writeUInt32LE(name.length, 10 + sizeBytes);
  return Buffer.concat([head, Buffer.from(name, "utf16le"), samples]);
}

function imageXml({ dimensions = [], channels = [], attachments = "" }: ImageSpec): string {
  const channelXml = channels.map(({ bits, float = false, bytesInc, tag = 0, lut = "Green", dye }) => {
    const property =
      dye === undefined ? "" : `<ChannelProperty><Key>DyeName</Key><Value>${dye}</Value></ChannelProperty>`;
    return (
      `<ChannelDescription DataType="${float ? 1 : 0}" ChannelTag="${tag}" Resolution="${bits}"` +
      ` NameOfMeasuredQuantity="" Min="0" Max="1" Unit="" LUTName="${lut}" IsLUTInverted="0"` +
      ` BytesInc="${bytesInc}" BitInc="0">${property}</ChannelDescription>`
    );
  });
  const dimensionXml = dimensions.map(
    ({ id, count, bytesInc, extent = (count - 1) * 1e-6 }) =>
      `<DimensionDescription DimID="${id}" NumberOfElements="${count}" Origin="0"` +
      ` Length="${extent.toExponential(6)}" Unit="${id === 4 ? "s" : id === 10 ? "" : "m"}" BitInc="0" BytesInc="${bytesInc}"/>`,
  );
  return (
    `<Image><ImageDescription><Channels>${channelXml.join("")}</Channels>` +
    `<Dimensions>${dimensionXml.join("")}</Dimensions></ImageDescription>${attachments}</Image>`
  );
}

/** A stack of uint8, X fastest, then Y and Z: sample i is `(i + first) % 251`. */
export function plainStack(name: string, sizes: { x: number; y: number; z: number }, first = 0): ImageSpec {
  const { x, y, z } = sizes;
  return {
    name,
    dimensions: [
      { id: 1, count: x, bytesInc: 1 },
      { id: 2, count: y, bytesInc: x },
      { id: 3, count: z, bytesInc: x * y },
    ],
    channels: [{ bits: 8, bytesInc: 0 }],
    samples: Buffer.from(Array.from({ length: x * y * z }, (_, i) => (i + first) % 251)),
  };
}
