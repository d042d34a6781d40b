/**
 * A 64-bit little-endian ELF file of a few hundred bytes that asks for `needed` (DT_NEEDED) and holds `text` as a C
 * string: enough for a reader of headers, and nothing that a loader would run.
 */
export function madeLibrary(needed: readonly string[], text = ""): Buffer {
  const strings = Buffer.from(`\0${[...needed, text].map((name) => `${name}\0`).join("")}`, "latin1");
  const headerBytes = 64 + 2 * 56;
  const dynamicBytes = (needed.length + 3) * 16;
  const file = Buffer.alloc(headerBytes + dynamicBytes + strings.length);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  file.writeUInt16LE(3, 16);
  file.writeUInt16LE(62, 18);
  file.writeUInt32LE(1, 20);
  file.writeBigUInt64LE(64n, 32);
  file.writeUInt16LE(64, 52);
  file.writeUInt16LE(56, 54);
  file.writeUInt16LE(2, 56);
  programHeader(file, 64, 1, 0, file.length);
  programHeader(file, 64 + 56, 2, headerBytes, dynamicBytes);
  let at = headerBytes;
  const entry = (tag: number, value: number): void => {
    file.writeBigUInt64LE(BigInt(tag), at);
    file.writeBigUInt64LE(BigInt(value), at + 8);
    at += 16;
  };
  let nameAt = 1;
  for (const name of needed) {
    entry(1, nameAt);
    nameAt += name.length + 1;
  }
  entry(5, headerBytes + dynamicBytes);
  entry(10, strings.length);
  entry(0, 0);
  strings.copy(file, headerBytes + dynamicBytes);
  return file;
}

function programHeader(file: Buffer, at: number, type: number, offset: number, bytes: number): void {
  file.writeUInt32LE(type, at);
  file.writeBigUInt64LE(BigInt(offset), at + 8);
  file.writeBigUInt64LE(BigInt(offset), at + 16);
  file.writeBigUInt64LE(BigInt(bytes), at + 32);
  file.writeBigUInt64LE(BigInt(bytes), at + 40);
}
