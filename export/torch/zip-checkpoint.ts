import { crc32 } from "node:zlib";
import yauzl, { type Entry, type ZipFile } from "yauzl";
import { formatError, isEdgeError, unsupportedError } from "../../core/errors.ts";
import { present } from "../../core/record.ts";
import type { ByteSource } from "../../formats/file/byte-source.ts";
import { readPickle } from "./pickle.ts";
import { maxPickleBytes } from "./pickle-limits.ts";
import type { PickleValue } from "./pickle-values.ts";
import { type StoredTensors, tensorDictsIn } from "./tensor-dicts.ts";

/** What torch.save has written since 1.6: a zip file with a pickle and one entry per storage. */
export async function readZipCheckpoint(source: ByteSource): Promise<StoredTensors> {
  const entries = await readEntries(source);
  const dicts = tensorDictsIn(await readRoot(source, entries), source.file);
  await refuseBigEndian(source, entries);
  return {
    dicts,
    readElements: (storage, { first, count }, tensorName) => {
      const entry = entries.get(`data/${storage.key}`);
      if (entry === undefined || entry.bytes !== storage.elements * storage.elementBytes) {
        throw formatError("a storage of the checkpoint is missing or cut", {
          code: "torch-storage-cut",
          file: source.file,
          at: tensorName,
          found: entry === undefined ? "no entry for it" : `${entry.bytes} bytes`,
          allowed: `${storage.elements * storage.elementBytes} bytes`,
          remedy: "Copy the file again",
        });
      }
      return readEntry(source, entry, first * storage.elementBytes, count * storage.elementBytes);
    },
  };
}

async function readRoot(source: ByteSource, entries: StoredEntries): Promise<PickleValue> {
  const { file } = source;
  const entry = entries.get("data.pkl");
  if (entry === undefined || entry.bytes > maxPickleBytes) {
    throw unsupportedError("this zip file is not a torch checkpoint", {
      code: "torch-no-pickle",
      file,
      found: entry === undefined ? "no data.pkl" : `a data.pkl of ${entry.bytes} bytes`,
      allowed: `a data.pkl of at most ${maxPickleBytes} bytes`,
      remedy: "Save the weights with torch.save(model.state_dict(), path)",
    });
  }
  return readPickle(await readEntry(source, entry), file).value;
}

async function refuseBigEndian(source: ByteSource, entries: StoredEntries): Promise<void> {
  const entry = entries.get("byteorder");
  if (entry === undefined || entry.bytes > 16) return;
  const order = (await readEntry(source, entry)).toString("latin1").trim();
  if (order === "little") return;
  throw unsupportedError("the checkpoint was written on a big-endian machine", {
    code: "torch-big-endian",
    file: source.file,
    found: order,
    remedy: "Load and save it once on an ordinary (x86 or ARM) machine",
  });
}

/**
 * The zip file that torch.save writes since 1.6, by random access: entries are stored uncompressed, so that any
 * storage can be read where it lies and the others (the 4 MB `attn.mask` constants) are never touched.
 */

interface StoredEntry {
  readonly name: string;
  /** Where its bytes lie in the file. */
  readonly offset: number;
  readonly bytes: number;
  readonly crc32: number;
}

/** By the name below the archive's one top folder: `data.pkl`, `data/0`, `byteorder`. */
type StoredEntries = ReadonlyMap<string, StoredEntry>;

/** The published networks have some 600 entries, a checkpoint with its optimizer some 3,000. Each costs a small read. */
const maxEntries = 20_000;
const maxNameLength = 512;

async function readEntries(source: ByteSource): Promise<StoredEntries> {
  const { file } = source;
  let zip: ZipFile | undefined;
  try {
    zip = await yauzl.fromRandomAccessReaderPromise(new SourceReader(source), source.size, {
      autoClose: false,
    });
    const entries = await storedEntries(zip, file);
    refuseOverlaps([...entries.values()], file);
    return entries;
  } catch (error) {
    if (isEdgeError(error)) throw error;
    throw formatError("the checkpoint's zip directory is damaged", {
      code: "torch-zip-damaged",
      file,
      found: error instanceof Error ? error.message.slice(0, 200) : String(error),
      remedy: "Copy the file again; it may have been cut",
      cause: error,
    });
  } finally {
    zip?.close();
  }
}

/** A file that is open already, as yauzl wants to read it. */
class SourceReader extends yauzl.RandomAccessReader {
  private readonly source: ByteSource;

  constructor(source: ByteSource) {
    super();
    this.source = source;
  }

  override read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    callback: (error: Error | null) => void,
  ): void {
    this.source.readInto(buffer.subarray(offset, offset + length), position).then(
      () => callback(null),
      (error: unknown) => callback(error instanceof Error ? error : new Error(String(error))),
    );
  }
}

async function storedEntries(zip: ZipFile, file: string): Promise<Map<string, StoredEntry>> {
  if (zip.entryCount > maxEntries) {
    throw unsupportedError("the zip file has more entries than any checkpoint", {
      code: "torch-zip-entries",
      file,
      found: `${zip.entryCount}`,
      allowed: `at most ${maxEntries}`,
    });
  }
  const entries = new Map<string, StoredEntry>();
  for await (const entry of zip.eachEntry()) {
    if (entry.fileName.length > maxNameLength) {
      throw refused(`a name of ${entry.fileName.length} characters`, undefined, file);
    }
    const name = entry.fileName.slice(entry.fileName.indexOf("/") + 1);
    if (entries.has(name)) throw refused("two entries have one name", entry, file);
    if (entry.compressionMethod !== 0 || entry.compressedSize !== entry.uncompressedSize) {
      throw refused("its entries are compressed, which torch.save never does", entry, file);
    }
    const { fileDataStart } = await zip.readLocalFileHeaderPromise(entry, { minimal: true });
    if (fileDataStart + entry.compressedSize > zip.fileSize) {
      throw refused("an entry reaches beyond the end of the file", entry, file);
    }
    entries.set(name, { name, offset: fileDataStart, bytes: entry.compressedSize, crc32: entry.crc32 });
  }
  return entries;
}

/** Entries that share bytes are how a small zip pretends to be large. */
function refuseOverlaps(entries: readonly StoredEntry[], file: string): void {
  const sorted = [...entries].sort((a, b) => a.offset - b.offset);
  for (const [i, entry] of sorted.entries()) {
    const previous = sorted[i - 1];
    if (previous !== undefined && previous.offset + previous.bytes > entry.offset) {
      throw formatError("entries of the zip file overlap", {
        code: "torch-zip-overlap",
        file,
        at: `${previous.name} and ${entry.name}`,
        remedy: "This was not written by torch.save; do not trust it",
      });
    }
  }
}

/** The bytes of an entry, or some of them; checked against its CRC where they are the whole of it. */
async function readEntry(
  source: ByteSource,
  entry: StoredEntry,
  offset = 0,
  bytes = entry.bytes,
): Promise<Buffer> {
  const buffer = Buffer.allocUnsafeSlow(bytes);
  await source.readInto(buffer, entry.offset + offset);
  const whole = bytes === entry.bytes;
  if (whole && crc32(buffer) !== entry.crc32) {
    throw formatError("the checkpoint is damaged: an entry does not match its checksum", {
      code: "torch-zip-crc",
      file: source.file,
      at: entry.name,
      remedy: "Copy the file again",
    });
  }
  return buffer;
}

function refused(found: string, entry: Entry | undefined, file: string) {
  return unsupportedError("this zip file is not a torch checkpoint", {
    code: "torch-zip-unlike",
    file,
    ...present({ at: entry?.fileName }),
    found,
    remedy: "Save the weights with torch.save(model.state_dict(), path)",
  });
}
