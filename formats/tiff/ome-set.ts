import { stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type EdgeError, formatError, isEdgeError } from "../../core/errors.ts";
import { systemCode } from "../../core/system-code.ts";
import { openByteSource } from "../file/byte-source.ts";
import type { ReadLimits } from "../file/limits.ts";
import { type Reading, takeStep } from "../file/reading.ts";
import { type MemberReference, omeMembers } from "../ome/axes.ts";
import { type OmeDocument, type OmeHead, type OmeImage, only, readOmeHead } from "../ome/xml-read.ts";
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

interface SetFile {
  readonly path: string;
  /** False where that is not known. */
  readonly isBinaryOnly: boolean;
}

export interface MemberSet {
  /** Reads the structure of a file, once. Throws `EdgeError` where it is none of the set. */
  readonly read: (member: MemberReference) => Promise<SetMember>;
  /** The file itself and all that its images name, whether they are there or not. */
  readonly files: () => readonly SetFile[];
}

/** Reads nothing yet. */
export function memberSet({ file, own, limits, reading }: OmeSource, document: OmeDocument): MemberSet {
  const opened = new Map<string, Promise<SetMember>>();
  const binaryOnly = new Set<string>();
  const read: MemberSet["read"] = async (member) => {
    if (member.own) {
      if (own === undefined) throw incomplete(file, "a file with pages");
      return { tiff: own, ...only({ uuid: document.uuid }), isBinaryOnly: false };
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
    const pending = readMember(file, member.fileName, limits, reading);
    opened.set(member.fileName, pending);
    const found = await pending;
    if (found.isBinaryOnly) binaryOnly.add(member.fileName);
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
  const files = (): readonly SetFile[] => {
    const named = document.images.flatMap((image) => namedFiles(file, document, image, own !== undefined));
    const beside = [...new Set(named)].map((fileName) => ({
      path: join(dirname(file), fileName),
      isBinaryOnly: binaryOnly.has(fileName),
    }));
    return [{ path: file, isBinaryOnly: false }, ...beside];
  };
  return { read, files };
}

function namedFiles(file: string, document: OmeDocument, image: OmeImage, hasPages: boolean): string[] {
  try {
    return omeMembers({ file, document, image, hasPages }).flatMap((member) =>
      member.own ? [] : [member.fileName],
    );
  } catch (error) {
    // The image is refused for the same reason.
    if (isEdgeError(error)) return [];
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
  file: string,
  fileName: string,
  limits: ReadLimits,
  reading: Reading,
): Promise<SetMember> {
  takeStep(reading);
  const source = await openByteSource(join(dirname(file), fileName)).catch((error: unknown) => {
    throw isEdgeError(error, "file-missing") ? incomplete(file, fileName) : error;
  });
  try {
    const tiff = await readTiffFile(await openDirectoryReader(source, limits), limits, reading);
    // Each file of a set may carry the whole XML; only the first one's is kept.
    return { tiff: { ...tiff, description: "" }, ...readOmeHead(tiff.description) };
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

/** The files of a set in their order, the one that stands for it before the others. */
export function describerFirst({ file, own }: OmeSource, files: readonly SetFile[]): readonly string[] {
  const others = [...files].sort((one, other) => (one.path < other.path ? -1 : 1));
  const describer = own === undefined ? file : others.find(({ isBinaryOnly }) => !isBinaryOnly)?.path;
  const paths = others.map(({ path }) => path);
  return describer === undefined ? paths : [describer, ...paths.filter((path) => path !== describer)];
}
