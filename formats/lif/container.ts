import { type EdgeError, formatError, unsupportedError } from "../../core/errors.ts";
import { type ByteSource, windowedReader } from "../file/byte-source.ts";
import { type Reading, type ReadLimits, takeStep } from "../file/reading.ts";

/**
 * The container of Leica's LIF: XML that describes all images, then blocks of memory that hold their samples.
 * Each part starts with int32 0x70, int32 (bytes until the samples) and the byte 0x2A; all numbers are little-endian.
 * Source: "Leica Image File Formats" (Leica Microsystems), Binary format of LIF, versions 1 and 2.
 */

/** Of the XML's part: 0x70, its length, 0x2A, and the count of UTF-16 characters. */
const xmlHeadBytes = 13;
/** Leica writes names of 10 to 15 characters. */
const maxNameLength = 256;

export type LifVersion = 1 | 2;

/** Where the samples of one image lie. */
export interface LifBlock {
  /** First byte in the file. */
  readonly start: number;
  readonly bytes: number;
}

/** Whether a file starts as a LIF does. A LOF starts in the same way, and says that it is one where the XML would stand. */
export function isLif(head: Uint8Array): boolean {
  const start = Buffer.from(head.subarray(0, 4));
  const isMarked = start.length >= 2 && start.equals(Buffer.from([0x70, 0, 0, 0]).subarray(0, start.length));
  const text = Buffer.from(head.subarray(xmlHeadBytes, xmlHeadBytes + 2)).toString("utf16le");
  return isMarked && (head[8] ?? 0x2a) === 0x2a && (text === "" || text === "<");
}

/** The XML, and where the first block starts. Throws `EdgeError` (`format`), retryable where the file ends too early. */
export async function readLifXml(
  source: ByteSource,
  limits: ReadLimits,
): Promise<{ readonly xml: string; readonly end: number }> {
  const { file, size } = source;
  if (size < xmlHeadBytes) throw cutLif(file, "inside its header", `${size} bytes`);
  const head = Buffer.alloc(xmlHeadBytes);
  await source.readInto(head, 0);
  const bytes = 2 * head.readUInt32LE(9);
  const end = xmlHeadBytes + bytes;
  if (end > size) throw cutLif(file, "inside its XML", `${size} bytes; the XML ends at byte ${end}`);
  if (bytes > limits.maxTextBytes) {
    throw unsupportedError("the XML of the LIF is larger than is allowed", {
      code: "lif-xml-large",
      file,
      found: `${bytes} bytes`,
      allowed: `${limits.maxTextBytes} bytes`,
      remedy: "Save fewer images in one file.",
    });
  }
  const text = Buffer.allocUnsafe(bytes);
  await source.readInto(text, xmlHeadBytes);
  try {
    return { xml: new TextDecoder("utf-16le", { fatal: true }).decode(text), end };
  } catch {
    throw damagedLif(file, "its XML is not UTF-16");
  }
}

/**
 * Follows the blocks from byte `from` to the end of the file, and finds those named in `wanted`. Throws `EdgeError`
 * (`format`): retryable where the file ends inside a block, or where space behind the last one is not yet written.
 */
export async function findLifBlocks(
  source: ByteSource,
  { from, version, wanted }: { from: number; version: LifVersion; wanted: ReadonlySet<string> },
  limits: ReadLimits,
  reading: Reading,
): Promise<ReadonlyMap<string, LifBlock>> {
  const { file, size } = source;
  const reader = windowedReader(source, 512);
  // 0x70, length, 0x2A; bytes of the block (int32, in version 2 int64), 0x2A; characters of the name.
  const headBytes = version === 1 ? 18 : 22;
  const found = new Map<string, LifBlock>();
  let count = 0;
  for (let at = from; at < size; ) {
    takeStep(reading);
    count += 1;
    if (count > limits.maxPages) throw damagedLif(file, `more than ${limits.maxPages} blocks`);
    if (at + headBytes > size) throw cutLif(file, `in the head of a block at byte ${at}`, `${size} bytes`);
    const head = await reader.bytes(at, headBytes);
    if (head.readUInt32LE(0) !== 0x70 || head[8] !== 0x2a || head[headBytes - 5] !== 0x2a) {
      if (head.every((byte) => byte === 0)) throw cutLif(file, `before byte ${at}`, "zeros from there");
      throw damagedLif(file, `no block at byte ${at}`);
    }
    const bytes = version === 1 ? head.readUInt32LE(9) : Number(head.readBigUInt64LE(9));
    const nameLength = head.readUInt32LE(headBytes - 4);
    if (nameLength > maxNameLength) {
      throw damagedLif(file, `a block at byte ${at} with a name of ${nameLength} characters`);
    }
    const start = at + headBytes + 2 * nameLength;
    if (start > size) throw cutLif(file, `in the head of a block at byte ${at}`, `${size} bytes`);
    const name = (await reader.bytes(at + headBytes, 2 * nameLength)).toString("utf16le");
    if (start + bytes > size) {
      throw cutLif(
        file,
        `inside the block ${JSON.stringify(name)}`,
        `${size} bytes; it ends at ${start + bytes}`,
      );
    }
    if (wanted.has(name)) {
      if (found.has(name)) throw damagedLif(file, `two blocks named ${JSON.stringify(name)}`);
      found.set(name, { start, bytes });
    }
    at = start + bytes;
  }
  return found;
}

function cutLif(file: string, where: string, found: string): EdgeError {
  return formatError(`the LIF is cut, or still being saved: it ends ${where}`, {
    code: "lif-cut",
    file,
    found,
    remedy: "Wait until it is saved completely, or copy it again.",
    retryable: true,
  });
}

function damagedLif(file: string, found: string): EdgeError {
  return formatError("this is not a sound LIF", {
    code: "lif-damaged",
    file,
    found,
    remedy: "Copy it again, or save it again from LAS X.",
  });
}
