import { formatError } from "../../core/errors.ts";
import type { StoredAxes } from "../plane/stored-axes.ts";
import type { OmeDocument, OmeImage, TiffData } from "./xml-read.ts";

/** Axes of an image beside Y and X, slowest first: DimensionOrder read from its end. */
export function omeAxes(image: OmeImage): StoredAxes {
  const letters = [...image.dimensionOrder.slice(2)].reverse().join("");
  const lengths = { T: image.sizeT, C: image.sizeC, Z: image.sizeZ };
  return { letters, lengths: [...letters].map((letter) => lengths[letter as "T" | "C" | "Z"]) };
}

/** A file of a set as the XML refers to it; the file of the document itself is `own`. */
export type MemberReference =
  | { readonly own: true }
  | { readonly own: false; readonly fileName: string; readonly uuid?: string };

/** The image whose planes are sought. `hasPages` is false for a companion file, which holds metadata only. */
export interface OmePlanesSource {
  readonly file: string;
  readonly document: OmeDocument;
  readonly image: OmeImage;
  readonly hasPages: boolean;
}

const nowhere = 0xffff_ffff;

/** The files that hold an image's planes, each once, in the order in which its XML names them. Throws `EdgeError` (`format`). */
export function omeMembers(source: OmePlanesSource): readonly MemberReference[] {
  const reference = memberReferences(source);
  const { tiffData } = source.image;
  const blocks = tiffData.length === 0 ? [wholeFile] : tiffData;
  return [...new Map(blocks.map(reference).map((member) => [memberKey(member), member])).values()];
}

function memberKey(member: MemberReference): string {
  return member.own ? "" : member.fileName;
}

/**
 * Works out which page of which file holds each plane (OME-TIFF specification, "The TiffData element"): a block
 * starts at First Z, C, T and runs on in DimensionOrder; PlaneCount is 1 where IFD is given and all pages of the
 * file where neither is.
 * `pagesOf` tells how many pages a member has. Returns, for each plane in the order of `omeAxes`, the index into `members` and
 * the page there; `assumed` where the XML lists no TiffData at all and pages were taken in order. Throws `EdgeError`
 * (`format`) where planes are missing.
 */
export async function mapOmePlanes(
  source: OmePlanesSource,
  pagesOf: (member: MemberReference) => Promise<number>,
) {
  const { file, image } = source;
  const axes = omeAxes(image);
  const planes = image.sizeT * image.sizeC * image.sizeZ;
  const memberOf = new Uint32Array(planes).fill(nowhere);
  const pageOf = new Uint32Array(planes);
  const members: MemberReference[] = [];
  const memberIndex = new Map<string, number>();
  const reference = memberReferences(source);

  const assumed = image.tiffData.length === 0;
  let mapped = 0;
  const blocks: readonly TiffData[] = assumed ? [wholeFile] : image.tiffData;
  for (const block of blocks) {
    const member = reference(block);
    const key = memberKey(member);
    let index = memberIndex.get(key);
    if (index === undefined) {
      index = members.push(member) - 1;
      memberIndex.set(key, index);
    }
    const start = startOf(block, axes);
    const pages = await pagesOf(member);
    const firstPage = block.ifd ?? 0;
    const count = block.planeCount ?? (block.ifd === undefined ? pages : 1);
    for (let i = 0; i < count && start !== undefined && start + i < planes; i += 1) {
      if (firstPage + i >= pages) break;
      mapped += 1;
      memberOf[start + i] = index;
      pageOf[start + i] = firstPage + i;
    }
    // A sound document maps each plane once; some name a few twice.
    if (mapped > 4 * planes) {
      throw formatError("the OME-XML maps its planes too often", {
        code: "ome-planes-repeated",
        file,
        at: `image ${image.index}`,
        found: `more than ${4 * planes} for ${planes} planes`,
        remedy: "Save the image again with the program that wrote it.",
      });
    }
  }
  const missing = memberOf.reduce((sum, member) => sum + (member === nowhere ? 1 : 0), 0);
  if (missing > 0) {
    throw formatError("the OME-XML describes planes that the file does not have", {
      code: "ome-planes-missing",
      file,
      at: `image ${image.index}`,
      found: `${planes - missing} of ${planes} planes (T ${image.sizeT}, C ${image.sizeC}, Z ${image.sizeZ})`,
      remedy: "Copy the file again, or wait until it is written completely.",
      retryable: true,
    });
  }
  return { members, memberOf, pageOf, assumed };
}

const wholeFile: TiffData = { ifd: undefined, firstT: 0, firstC: 0, firstZ: 0, planeCount: undefined };

/** The place of a block's first plane in stored order; undefined where it lies outside the image. */
function startOf(block: TiffData, axes: StoredAxes): number | undefined {
  const first = { T: block.firstT, C: block.firstC, Z: block.firstZ };
  let place = 0;
  for (let i = 0; i < axes.lengths.length; i += 1) {
    const length = axes.lengths[i] ?? 1;
    const index = first[axes.letters[i] as "T" | "C" | "Z"];
    if (index >= length) return undefined;
    place = place * length + index;
  }
  return place;
}

/**
 * Tells which file a block means. A block without UUID, and one with the UUID of this very file (whatever the
 * name: files get renamed), is this file's. Without a UUID of its own a file knows itself by its name, or by being
 * the only one that the image names.
 */
function memberReferences({
  file,
  document,
  image,
  hasPages,
}: OmePlanesSource): (block: TiffData) => MemberReference {
  const ownName = file.slice(Math.max(file.lastIndexOf("/"), file.lastIndexOf("\\")) + 1).toLowerCase();
  const named = new Set(image.tiffData.flatMap((block) => (block.uuid === undefined ? [] : [block.uuid])));
  return (block) => {
    const { uuid, fileName } = block;
    if (hasPages && (uuid === undefined || (document.uuid !== undefined && uuid === document.uuid)))
      return { own: true };
    if (
      hasPages &&
      document.uuid === undefined &&
      (fileName?.toLowerCase() === ownName || named.size === 1)
    ) {
      return { own: true };
    }
    if (fileName === undefined) {
      throw formatError("the OME-XML refers to a file without its name", {
        code: "ome-set-name",
        file,
        found: uuid ?? "TiffData without UUID",
        remedy: "Save the set again with the program that wrote it.",
      });
    }
    if (fileName === "" || fileName === "." || fileName === ".." || /[/\\\0]/.test(fileName)) {
      throw formatError("the OME-XML names a file outside its own folder", {
        code: "ome-set-outside",
        file,
        found: JSON.stringify(fileName),
        allowed: "a file name without a folder",
        remedy: "Keep all files of a set in one folder and save it again with the program that wrote it.",
      });
    }
    return { own: false, fileName, ...(uuid === undefined ? {} : { uuid }) };
  };
}
