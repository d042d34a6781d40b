import { crc32 } from "node:zlib";

/** Zip files with stored entries, as torch.save writes them: taken apart and put together again with right checksums. */

export type ZipEntries = readonly (readonly [name: string, bytes: Buffer])[];

const local = 0x04034b50;
const central = 0x02014b50;
const end = 0x06054b50;

export function zipOf(entries: ZipEntries): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [name, bytes] of entries) {
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt32LE(crc32(bytes), 10);
    common.writeUInt32LE(bytes.length, 14);
    common.writeUInt32LE(bytes.length, 18);
    common.writeUInt16LE(Buffer.byteLength(name), 22);
    const head = Buffer.concat([uint32(local), common, Buffer.from(name)]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(offset, 10);
    directory.push(uint32(central), Buffer.from([20, 0]), common, tail, Buffer.from(name));
    parts.push(head, bytes);
    offset += head.length + bytes.length;
  }
  const list = Buffer.concat(directory);
  const close = Buffer.alloc(22);
  close.writeUInt32LE(end, 0);
  close.writeUInt16LE(entries.length, 8);
  close.writeUInt16LE(entries.length, 10);
  close.writeUInt32LE(list.length, 12);
  close.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, list, close]);
}

/** Of a zip file without a comment. */
export function entriesOf(zip: Buffer): ZipEntries {
  const close = zip.length - 22;
  let at = zip.readUInt32LE(close + 16);
  return Array.from({ length: zip.readUInt16LE(close + 10) }, () => {
    const length = zip.readUInt32LE(at + 24);
    const [nameLength, extra, comment] = [28, 30, 32].map((field) => zip.readUInt16LE(at + field));
    const name = zip.toString("utf8", at + 46, at + 46 + (nameLength ?? 0));
    const header = zip.readUInt32LE(at + 42);
    const data = header + 30 + zip.readUInt16LE(header + 26) + zip.readUInt16LE(header + 28);
    at += 46 + (nameLength ?? 0) + (extra ?? 0) + (comment ?? 0);
    return [name, zip.subarray(data, data + length)] as const;
  });
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
