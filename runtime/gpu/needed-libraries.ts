import { type FileHandle, open } from "node:fs/promises";
import { formatError } from "../../core/errors.ts";

/**
 * Which shared libraries an ELF file asks the loader for (`DT_NEEDED`): this tells the CUDA major a provider library
 * was linked against without loading it. Source: System V ABI, "Object Files", ELF-64.
 */

const elfMagic = 0x7f454c46;
const class64 = 2;
const littleEndian = 1;
const programHeaderLoad = 1;
const programHeaderDynamic = 2;
const tagNeeded = 1n;
const tagStringTable = 5n;
const tagStringTableSize = 10n;

/** Real files have about a dozen of each; a file that claims more is not one of ours. */
const maxProgramHeaders = 256;
const maxDynamicBytes = 1 << 20;
const maxStringTableBytes = 64 << 20;

interface Segment {
  readonly type: number;
  readonly fileOffset: number;
  readonly address: bigint;
  readonly fileBytes: number;
}

/** The names in the order of the file, for example `["libcudart.so.13", "libc.so.6"]`. */
export async function neededLibraries(file: string): Promise<string[]> {
  const handle = await open(file, "r");
  try {
    const segments = await readSegments(handle, file);
    const dynamic = segments.find(({ type }) => type === programHeaderDynamic);
    if (dynamic === undefined) return [];
    if (dynamic.fileBytes > maxDynamicBytes) throw notALibrary(file, "its dynamic section is too large");
    return await readNeeded(handle, file, segments, dynamic);
  } finally {
    await handle.close();
  }
}

async function readSegments(handle: FileHandle, file: string): Promise<Segment[]> {
  const header = await readExactly(handle, file, 0, 64);
  if (header.readUInt32BE(0) !== elfMagic) throw notALibrary(file, "it does not begin with the ELF mark");
  if (header[4] !== class64 || header[5] !== littleEndian) {
    throw notALibrary(file, "it is not a 64-bit little-endian library");
  }
  const tableOffset = Number(header.readBigUInt64LE(32));
  const entryBytes = header.readUInt16LE(54);
  const entries = header.readUInt16LE(56);
  if (entryBytes !== 56 || entries > maxProgramHeaders)
    throw notALibrary(file, "its program headers are odd");
  const table = await readExactly(handle, file, tableOffset, entries * entryBytes);
  return Array.from({ length: entries }, (_, i) => ({
    type: table.readUInt32LE(i * 56),
    fileOffset: Number(table.readBigUInt64LE(i * 56 + 8)),
    address: table.readBigUInt64LE(i * 56 + 16),
    fileBytes: Number(table.readBigUInt64LE(i * 56 + 32)),
  }));
}

async function readNeeded(
  handle: FileHandle,
  file: string,
  segments: readonly Segment[],
  dynamic: Segment,
): Promise<string[]> {
  const section = await readExactly(handle, file, dynamic.fileOffset, dynamic.fileBytes);
  const needed: number[] = [];
  let stringsAddress = 0n;
  let stringsBytes = 0;
  for (let at = 0; at + 16 <= section.length; at += 16) {
    const tag = section.readBigUInt64LE(at);
    const value = section.readBigUInt64LE(at + 8);
    if (tag === tagNeeded) needed.push(Number(value));
    if (tag === tagStringTable) stringsAddress = value;
    if (tag === tagStringTableSize) stringsBytes = Number(value);
  }
  if (needed.length === 0) return [];
  const home = segments.find(
    ({ type, address, fileBytes }) =>
      type === programHeaderLoad && stringsAddress >= address && stringsAddress < address + BigInt(fileBytes),
  );
  if (home === undefined || stringsBytes > maxStringTableBytes)
    throw notALibrary(file, "its names lie nowhere");
  const offset = home.fileOffset + Number(stringsAddress - home.address);
  const strings = await readExactly(handle, file, offset, stringsBytes);
  return needed.map((start) => {
    const end = strings.indexOf(0, start);
    if (start >= strings.length || end === -1) throw notALibrary(file, "a name lies outside its table");
    return strings.toString("latin1", start, end);
  });
}

async function readExactly(handle: FileHandle, file: string, offset: number, bytes: number): Promise<Buffer> {
  const buffer = Buffer.alloc(bytes);
  if (!Number.isSafeInteger(offset)) throw notALibrary(file, "an offset is out of range");
  const { bytesRead } = await handle.read(buffer, 0, bytes, offset);
  if (bytesRead !== bytes) throw notALibrary(file, "it ends too early");
  return buffer;
}

function notALibrary(file: string, found: string) {
  return formatError("this is not a shared library for 64-bit Linux", {
    code: "elf-unreadable",
    file,
    found,
    remedy: "Take the file from the ONNX Runtime GPU package for linux-x64 again",
  });
}
