// Writes a spread of OME-TIFFs for other programs to read (test/peers/written.py): one of each sample type,
// compression, flavour and kind of metadata. Beside each NAME.ome.tif lies NAME.raw, its samples in T, C, Z order
// written without our TIFF code, and spread.json says what each ought to be.
//   node --import tsx test/peers/write-spread.ts DIR SOURCES.json
// SOURCES.json: [{"name", "xml", "imageIndex", "sizes"}] of OME sources whose metadata is to be carried on.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  type Acquisition,
  type OriginalMetadata,
  type PixelSize,
  planeCount,
  type SampleType,
  type Sizes,
  sampleTypes,
} from "../../core/acquisition.ts";
import type { OutputCompression } from "../../formats/plane/plane-sink.ts";
import { createOmeTiff, planeIndexAt } from "../../formats/tiff/ome-tiff-sink.ts";
import { acquisitionOf } from "../formats/tiff/acquisition.fixture.ts";

interface Case {
  readonly name: string;
  readonly sampleType: SampleType;
  readonly compression?: OutputCompression;
  readonly forceBigTiff?: boolean;
  readonly fastest?: "z" | "t";
  readonly sizes?: Sizes;
  readonly pixelSize?: PixelSize;
  readonly channelNames?: readonly string[];
  readonly original?: OriginalMetadata;
}

interface Source {
  readonly name: string;
  readonly xml: string;
  readonly imageIndex: number;
  readonly sizes: Sizes;
}

const usualSizes: Sizes = { t: 2, c: 3, z: 4, y: 33, x: 47 };
const allTypes = Object.keys(sampleTypes) as SampleType[];
const awkwardNames = ['DAPI <405> & "488"', "µ-tubule 🔬", "']]>\ttab"];

function cases(sources: readonly Source[]): Case[] {
  const nanometers = { value: 65, unit: "nm", um: 0.065 };
  const micrometers = { value: 0.103, unit: "µm", um: 0.103 };
  const millimeters = { value: 0.0002, unit: "mm", um: 0.2 };
  return [
    ...allTypes.map((sampleType): Case => ({ name: sampleType, sampleType })),
    ...allTypes.map(
      (sampleType): Case => ({ name: `${sampleType}-deflate`, sampleType, compression: "deflate" }),
    ),
    ...allTypes.map((sampleType): Case => ({ name: `${sampleType}-zstd`, sampleType, compression: "zstd" })),
    { name: "bigtiff", sampleType: "uint16", forceBigTiff: true },
    { name: "bigtiff-deflate", sampleType: "uint16", forceBigTiff: true, compression: "deflate" },
    { name: "time-fastest", sampleType: "uint16", fastest: "t" },
    { name: "time-fastest-deflate", sampleType: "uint16", fastest: "t", compression: "deflate" },
    { name: "one-plane", sampleType: "uint16", sizes: { t: 1, c: 1, z: 1, y: 20, x: 30 } },
    {
      name: "one-plane-zstd",
      sampleType: "float32",
      compression: "zstd",
      sizes: { t: 1, c: 1, z: 1, y: 20, x: 30 },
    },
    {
      name: "many-strips",
      sampleType: "uint16",
      compression: "deflate",
      sizes: { t: 1, c: 1, z: 2, y: 1500, x: 700 },
    },
    {
      name: "micrometers",
      sampleType: "uint16",
      pixelSize: { x: micrometers, y: micrometers, z: micrometers },
    },
    { name: "nanometers", sampleType: "uint16", pixelSize: { x: nanometers, y: nanometers, z: nanometers } },
    {
      name: "millimeters",
      sampleType: "uint16",
      pixelSize: { x: millimeters, y: millimeters, z: millimeters },
    },
    {
      name: "pixels",
      sampleType: "uint16",
      pixelSize: { x: { value: 1, unit: "pixel" }, y: { value: 1, unit: "pixel" } },
    },
    { name: "awkward-names", sampleType: "uint16", channelNames: awkwardNames },
    {
      name: "awkward-text",
      sampleType: "uint16",
      original: { kind: "text", text: "ImageJ=1.53\nunit=µm\n\0\u0001<&]]>" },
    },
    ...sources.map(
      ({ name, xml, imageIndex, sizes }): Case => ({
        name: `carried-${name}`,
        sampleType: "uint16",
        sizes: { ...sizes, y: 8, x: 9 },
        original: { kind: "ome-xml", xml, imageIndex },
      }),
    ),
  ];
}

/** Bits without pattern: every byte value occurs, for floats NaN and infinities too. */
function fill(bytes: Uint8Array, plane: number): void {
  let state = (plane + 1) * 0x9e3779b9;
  for (let index = 0; index < bytes.length; index += 1) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    bytes[index] = state >>> 24;
  }
}

async function write(directory: string, spread: Case): Promise<object> {
  const sizes = spread.sizes ?? usualSizes;
  const { sampleType, compression = "none", fastest = "z", forceBigTiff = false } = spread;
  const acquisition: Acquisition = acquisitionOf(sizes, sampleType, {
    pixelSize: spread.pixelSize ?? {},
    original: spread.original ?? { kind: "none" },
    channels: Array.from({ length: sizes.c }, (_, c) => {
      const name = spread.channelNames?.[c];
      return name === undefined ? {} : { name };
    }),
  });
  const file = join(directory, `${spread.name}.ome.tif`);
  const planes = planeCount(sizes);
  const planeBytes = sizes.y * sizes.x * sampleTypes[sampleType].bytes;
  const raw = new Uint8Array(planes * planeBytes);
  const sink = await createOmeTiff(file, { acquisition, sampleType, compression, fastest }, { forceBigTiff });
  for (let position = 0; position < planes; position += 1) {
    const { t, c, z } = planeIndexAt(position, sizes, fastest);
    const stored = (t * sizes.c + c) * sizes.z + z;
    const bytes = raw.subarray(stored * planeBytes, (stored + 1) * planeBytes);
    fill(bytes, stored);
    const samples = sampleTypes[sampleType].make(sizes.y * sizes.x);
    new Uint8Array(samples.buffer).set(bytes);
    await sink.write({ t, c, z, samples });
  }
  await sink.finish([
    ["model", "identity"],
    ["source file", "a & b <c>.tif"],
  ]);
  await writeFile(join(directory, `${spread.name}.raw`), raw);
  const { value, unit } = acquisition.pixelSize.x ?? {};
  return {
    name: spread.name,
    file,
    sampleType,
    compression,
    fastest,
    bigTiff: forceBigTiff,
    sizes,
    pixelSizeX: value === undefined ? null : [value, unit],
    channelNames: spread.channelNames ?? null,
    carried: spread.original?.kind === "ome-xml",
  };
}

const [directory = ".", sourcesFile = ""] = process.argv.slice(2);
const sources = JSON.parse(await readFile(sourcesFile, "utf8")) as Source[];
const written: object[] = [];
for (const spread of cases(sources)) written.push(await write(directory, spread));
await writeFile(join(directory, "spread.json"), JSON.stringify(written, null, 1));
