import { bytesOf, type Samples } from "../../core/acquisition.ts";
import type { StripEncoder } from "./encode-strips.ts";
import { type OmeTiffLayout, plainStrips, planeFields } from "./ome-tiff-layout.ts";
import {
  directoryBytes,
  directorySize,
  type FieldElsewhere,
  nextPointerAt,
  offsetBytes,
} from "./write-directory.ts";
import type { Strips } from "./write-image-fields.ts";

/** A file that grows at its end, and may be mended before it. */
export interface Appender {
  /** Where the next byte will stand. */
  readonly end: () => number;
  /** Returns where `bytes` stand now. */
  readonly append: (bytes: Uint8Array) => Promise<number>;
  /** Moves the end up to the next boundary for directories and long values. */
  readonly align: () => void;
  readonly overwriteAt: (bytes: Uint8Array, position: number) => Promise<void>;
}

/** Pixels and directories of a file; `ome-tiff-sink.ts` tells why there are two arrangements. */
export interface PlaneWriter {
  readonly writePlane: (samples: Samples) => Promise<void>;
  /** Ends the chain of directories; returns where it starts. */
  readonly writeDirectories: (description: FieldElsewhere) => Promise<number>;
}

/** Directories are gathered to writes of about this size. */
const gatherBytes = 2 ** 20;

/** Planes back to back, then all directories. */
export function plainPlaneWriter(layout: OmeTiffLayout, file: Appender): PlaneWriter {
  return {
    async writePlane(samples) {
      await file.append(bytesOf(samples));
    },
    async writeDirectories(description) {
      file.align();
      const start = file.end();
      let gathered: Uint8Array[] = [];
      let end = start;
      for (let index = 0; index < layout.planes; index += 1) {
        const fields = planeFields(layout, plainStrips(layout, index), index === 0 ? description : undefined);
        const next = end + directorySize(fields, layout.flavour);
        gathered.push(directoryBytes(fields, layout.flavour, end, index + 1 < layout.planes ? next : 0));
        end = next;
        if (end - file.end() < gatherBytes && index + 1 < layout.planes) continue;
        await file.append(Buffer.concat(gathered));
        gathered = [];
      }
      return start;
    },
  };
}

/** Each plane followed by its directory, but the first plane's, which waits for the description. */
export function compressedPlaneWriter(
  layout: OmeTiffLayout,
  file: Appender,
  encode: StripEncoder,
): PlaneWriter {
  const { flavour } = layout;
  let first: Strips | undefined;
  /** Where the directory of the second plane is; 0 until there is one. */
  let second = 0;
  /** Where the offset of the next directory is to be written. */
  let openPointer = 0;

  return {
    async writePlane(samples) {
      const encoded = await encode(bytesOf(samples));
      const offsets: number[] = [];
      for (const bytes of encoded) offsets.push(await file.append(bytes));
      const strips = { offsets, byteCounts: encoded.map((bytes) => bytes.byteLength) };
      if (first === undefined) {
        first = strips;
        return;
      }
      file.align();
      const fields = planeFields(layout, strips);
      const at = await file.append(directoryBytes(fields, flavour, file.end(), 0));
      if (second === 0) second = at;
      else await file.overwriteAt(offsetBytes(at, flavour), openPointer);
      openPointer = at + nextPointerAt(fields.length, flavour);
    },
    async writeDirectories(description) {
      file.align();
      const fields = planeFields(layout, first ?? plainStrips(layout, 0), description);
      return file.append(directoryBytes(fields, flavour, file.end(), second));
    },
  };
}
