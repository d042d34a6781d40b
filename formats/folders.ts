import { basename } from "node:path";
import type { Reading, ReadLimits } from "./file/reading.ts";
import { findNdTiff, ndTiffIndex } from "./ndtiff/read-ndtiff.ts";
import type { OpenedFile } from "./plane/plane-source.ts";
import { findZarr } from "./zarr/read-zarr.ts";

/** Acquisitions that are folders. */

interface FolderReader {
  recognises(folder: string, names: readonly string[]): boolean;
  find(folder: string, limits: ReadLimits, reading: Reading): Promise<OpenedFile>;
}

const zarrMetadata: readonly string[] = ["zarr.json", ".zgroup", ".zattrs", ".zarray"];

const readers: readonly FolderReader[] = [
  {
    // Some programs write the metadata of the root at the end.
    recognises: (folder, names) =>
      /\.zarr$/i.test(basename(folder)) || names.some((name) => zarrMetadata.includes(name)),
    find: findZarr,
  },
  { recognises: (_, names) => names.includes(ndTiffIndex), find: findNdTiff },
];

/** How a folder is read that is one acquisition; undefined where it is a folder like any other. `names`: of what lies in it. */
export function folderReader(folder: string, names: readonly string[]): FolderReader | undefined {
  return readers.find((reader) => reader.recognises(folder, names));
}

/** Whether a file of this name describes the folder that it lies in, and is no image by itself. */
export function describesFolder(name: string): boolean {
  return name === ndTiffIndex || zarrMetadata.includes(name);
}
