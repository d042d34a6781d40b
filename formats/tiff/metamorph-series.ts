import type { ByteSource } from "../file/byte-source.ts";
import type { ReadLimits } from "../file/reading.ts";
import { type DirectoryReader, openDirectoryReader } from "./ifd.ts";
import { checkContiguousPlanes, type TiffSeries } from "./series.ts";
import { fieldType, tag } from "./tags.ts";
import { pageLayout, readText, type TiffFile } from "./tiff-file.ts";

/** More planes than a MetaMorph stack, which ends at 4 GiB, can hold in practice. */
const maxPlanes = 1 << 20;

/**
 * The stack of a MetaMorph STK file, which has one directory for all planes; undefined where the file is none or
 * holds a single plane.
 *
 * Tag UIC2 counts the planes and has six integers of 4 bytes for each ("STK file format", Universal Imaging):
 * distance from the plane before as a quotient, Julian day and milliseconds of creation, and of change. The axis
 * is Z where each plane has a distance, T where each has another time than the one before, else it has no name.
 */
export async function readMetaMorphSeries(
  reader: DirectoryReader,
  tiff: TiffFile,
): Promise<readonly TiffSeries[] | undefined> {
  const entry = (await reader.directory(reader.header.firstDirectory)).entries.get(tag.uic2);
  const planes = entry?.count ?? 0;
  // One directory for each plane is what plain pages have.
  if (entry === undefined || planes < 2 || planes === tiff.pages.count) return undefined;
  pageLayout(tiff, 0);
  checkContiguousPlanes(tiff, 0, planes, "MetaMorph tag UIC2");
  const words = await reader.numbers(
    { type: fieldType.long, count: planes * 6, position: entry.position },
    maxPlanes * 6,
  );
  let distances = true;
  let times = true;
  for (let plane = 0; plane < planes; plane += 1) {
    const at = plane * 6;
    if ((words[at] ?? 0) === 0) distances = false;
    if (plane > 0 && words[at + 2] === words[at - 4] && words[at + 3] === words[at - 3]) times = false;
  }
  const series = {
    file: tiff.file,
    members: [tiff],
    placeOf: (index: number) => ({ member: 0, page: 0, skip: index }),
    facts: {
      make: "MetaMorph STK" as const,
      stored: { letters: distances ? "Z" : times ? "T" : "I", lengths: [planes] },
      original:
        tiff.description === ""
          ? ({ kind: "none" } as const)
          : ({ kind: "text", text: tiff.description } as const),
      notes: [],
    },
  };
  return [series];
}

/** Whether MetaMorph wrote a TIFF, as its tags or its name for itself say. */
export async function isMadeByMetaMorph(source: ByteSource, limits: ReadLimits): Promise<boolean> {
  const reader = await openDirectoryReader(source, limits);
  const { firstDirectory } = reader.header;
  const { entries } = await reader.directory(firstDirectory);
  if (entries.has(tag.uic2)) return true;
  return /^Meta(Morph|Series)/.test(await readText(reader, firstDirectory, tag.software, limits));
}
