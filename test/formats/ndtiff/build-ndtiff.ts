import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Writes small NDTiff folders for tests, as the specification words them; nothing of the product's reader is used. */

export interface NdTiffImage {
  readonly axes: Readonly<Record<string, string | number>>;
  /** All samples have this value; 4 x 3 pixels where not stated. */
  readonly value: number;
  readonly width?: number;
  readonly height?: number;
  readonly pixelType?: number;
  readonly compression?: number;
  readonly fileName?: string;
  /** What is said of this image. */
  readonly about?: object;
}

export interface NdTiffSpec {
  readonly images: readonly NdTiffImage[];
  readonly summary?: object;
  readonly endian?: "little" | "big";
  /** Zeros behind the last entry. Bytes. */
  readonly open?: number;
  readonly version?: number;
}

export function indexEntry(image: NdTiffImage, start: number, about = { start: 0, bytes: 0 }): Buffer {
  const {
    axes,
    width = 4,
    height = 3,
    pixelType = 1,
    compression = 0,
    fileName = "a_NDTiffStack.tif",
  } = image;
  const parts = [JSON.stringify(axes), fileName].flatMap((text) => {
    const length = Buffer.alloc(4);
    length.writeUInt32LE(Buffer.byteLength(text));
    return [length, Buffer.from(text)];
  });
  const numbers = Buffer.alloc(32);
  for (const [place, value] of [
    start,
    width,
    height,
    pixelType,
    compression,
    about.start,
    about.bytes,
  ].entries()) {
    numbers.writeUInt32LE(value, 4 * place);
  }
  return Buffer.concat([...parts, numbers]);
}

export function buildNdTiff(folder: string, spec: NdTiffSpec): void {
  const { images, summary = {}, endian = "little", open = 0, version = 3 } = spec;
  mkdirSync(folder, { recursive: true });
  const text = Buffer.from(JSON.stringify(summary));
  const head = Buffer.alloc(28);
  head.write(endian === "little" ? "II*\0" : "MM\0*", "latin1");
  for (const [place, value] of [483_729, version, 3, 2_355_492, text.length].entries()) {
    head.writeUInt32LE(value, 8 + 4 * place);
  }
  const files = new Map<string, Buffer>();
  const entries = images.map((image) => {
    const { value, width = 4, height = 3, pixelType = 1, fileName = "a_NDTiffStack.tif" } = image;
    const before = files.get(fileName) ?? Buffer.concat([head, text]);
    const samples =
      pixelType === 0
        ? Buffer.alloc(width * height, value)
        : Buffer.from(new Uint16Array(width * height).fill(value).buffer);
    if (pixelType !== 0 && endian === "big") samples.swap16();
    const about = Buffer.from(image.about === undefined ? "" : JSON.stringify(image.about));
    files.set(fileName, Buffer.concat([before, samples, about]));
    return indexEntry(image, before.length, { start: before.length + samples.length, bytes: about.length });
  });
  for (const [name, bytes] of files) writeFileSync(join(folder, name), bytes);
  writeFileSync(join(folder, "NDTiff.index"), Buffer.concat([...entries, Buffer.alloc(open)]));
}
