import { stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type EdgeError, formatError, isEdgeError, systemCode } from "../../core/errors.ts";
import { present } from "../../core/record.ts";
import { openByteSource } from "../file/byte-source.ts";
import { type Reading, type ReadLimits, takeStep } from "../file/reading.ts";
import { type MemberReference, omeMembers } from "../ome/axes.ts";
import { type OmeDocument, type OmeHead, readOmeHead, readOmeXml } from "../ome/xml-read.ts";
import { openDirectoryReader } from "./ifd.ts";
import { readTiffFile, type TiffFile } from "./tiff-file.ts";

/** The files that OME-XML names: whether they are there, and what each of them is. */

export interface OmeSource {
  /** Path as given. */
  readonly file: string;
  readonly xml: string;
  /** The TIFF that the XML stands in; undefined for a companion file. */
  readonly own: TiffFile | undefined;
  readonly limits: ReadLimits;
  readonly reading: Reading;
}

/** A file of the set: its structure, and what its own OME-XML says of it. */
interface SetMember extends OmeHead {
  readonly tiff: TiffFile;
}

export interface MemberSet {
  /** Reads the structure of a file, once. Throws `EdgeError` where it is none of the set. */
  readonly read: (member: MemberReference) => Promise<SetMember>;
  /** As `OpenedFile.files`. */
  readonly files: () => readonly string[];
}

/** Reads nothing yet. */
export function memberSet(source: OmeSource, document: OmeDocument): MemberSet {
  const { file, own, limits } = source;
  const opened = new Map<string, Promise<SetMember>>();
  /** The first by name of the others that describe what they belong to. */
  let describer: { readonly path: string; readonly xml: string } | undefined;
  const read: MemberSet["read"] = async (member) => {
    if (member.own) {
      if (own === undefined) throw incomplete(file, "a file with pages");
      return { tiff: own, ...present({ uuid: document.uuid }), describes: true };
    }
    const known = opened.get(member.fileName);
    if (known !== undefined) return known;
    if (opened.size === limits.maxMembers) {
      throw formatError("the set has more files than are allowed", {
        code: "ome-set-size",
        file,
        allowed: String(limits.maxMembers),
        remedy: "Split the set.",
      });
    }
    const pending = readMember(source, member.fileName, (path, xml) => {
      if (describer === undefined || path < describer.path) describer = { path, xml };
    });
    opened.set(member.fileName, pending);
    const found = await pending;
    if (member.uuid !== undefined && found.uuid !== undefined && found.uuid !== member.uuid) {
      throw formatError("a file of the set is not the one that the OME-XML means", {
        code: "ome-set-foreign",
        file,
        at: JSON.stringify(member.fileName),
        found: found.uuid,
        allowed: member.uuid,
        remedy: "Put the files of each set into a folder of their own.",
      });
    }
    return found;
  };
  const files = (): readonly string[] => {
    const named = namedFiles(source, document);
    const other = own === undefined ? undefined : describer;
    const isOther = other !== undefined && other.path < file && describesSame(source, named, other);
    const first = isOther ? other.path : file;
    return [first, ...named.filter((path) => path !== first)];
  };
  return { read, files };
}

/** The file itself and all that its images name, sorted. */
function namedFiles(
  { file, own }: Pick<OmeSource, "file" | "own">,
  document: OmeDocument,
): readonly string[] {
  const names = document.images.flatMap((image) => {
    try {
      const members = omeMembers({ file, document, image, hasPages: own !== undefined });
      return members.flatMap((member) => (member.own ? [] : [member.fileName]));
    } catch (error) {
      // The image is refused for the same reason.
      if (isEdgeError(error)) return [];
      throw error;
    }
  });
  return [...new Set([file, ...names.map((name) => join(dirname(file), name))])].sort();
}

/** Whether another file of a set names the same files, so that it may stand for all of them. */
function describesSame(
  { own, limits }: OmeSource,
  named: readonly string[],
  other: { readonly path: string; readonly xml: string },
): boolean {
  try {
    const theirs = namedFiles({ file: other.path, own }, readOmeXml(other.xml, other.path, limits));
    return theirs.length === named.length && theirs.every((path, index) => path === named[index]);
  } catch (error) {
    if (isEdgeError(error)) return false;
    throw error;
  }
}

/** A file that is missing is found before the others are read: a set that is still being written is looked at often. */
export async function refuseMissing(
  { file, reading }: OmeSource,
  members: readonly MemberReference[],
): Promise<void> {
  for (const member of members) {
    takeStep(reading);
    if (member.own) continue;
    const found = await stat(join(dirname(file), member.fileName)).catch(systemCode);
    if (found === "ENOENT") throw incomplete(file, member.fileName);
  }
}

async function readMember(
  { file, limits, reading }: OmeSource,
  fileName: string,
  onDescription: (path: string, xml: string) => void,
): Promise<SetMember> {
  takeStep(reading);
  const path = join(dirname(file), fileName);
  const source = await openByteSource(path).catch((error: unknown) => {
    throw isEdgeError(error, "file-missing") ? incomplete(file, fileName) : error;
  });
  try {
    const tiff = await readTiffFile(await openDirectoryReader(source, limits), limits, reading);
    const head = readOmeHead(tiff.description);
    if (head.describes) onDescription(path, tiff.description);
    // Each file of a set may carry the whole XML, which is not kept.
    return { tiff: { ...tiff, description: "" }, ...head };
  } finally {
    await source.close();
  }
}

function incomplete(file: string, missing: string): EdgeError {
  return formatError("the set is incomplete: a file that its OME-XML names is missing", {
    code: "ome-set-incomplete",
    file,
    found: `no ${JSON.stringify(missing)} beside it`,
    remedy: "Copy the missing file into the same folder.",
    retryable: true,
  });
}
