/** A classic little-endian TIFF of uint16, one plane of 8 x 8 in one strip for each value, whose samples are all that value. */
export function tinyTiff(...values: readonly number[]): Buffer {
  const side = 8;
  const parts = [Buffer.from("49492a0000000000", "hex")];
  let bytes = 8;
  let link: { readonly in: Buffer; readonly at: number } = { in: parts[0] as Buffer, at: 4 };
  for (const value of values) {
    const pixels = Buffer.alloc(side * side * 2);
    for (let index = 0; index < side * side; index += 1) pixels.writeUInt16LE(value, index * 2);
    const tags: [tag: number, type: 3 | 4, value: number][] = [
      [256, 3, side],
      [257, 3, side],
      [258, 3, 16],
      [259, 3, 1],
      [262, 3, 1],
      [273, 4, bytes],
      [277, 3, 1],
      [278, 3, side],
      [279, 4, pixels.length],
    ];
    const directory = Buffer.alloc(2 + tags.length * 12 + 4);
    directory.writeUInt16LE(tags.length, 0);
    for (const [index, [tag, type, number]] of tags.entries()) {
      const at = 2 + index * 12;
      directory.writeUInt16LE(tag, at);
      directory.writeUInt16LE(type, at + 2);
      directory.writeUInt32LE(1, at + 4);
      directory.writeUInt32LE(number, at + 8);
    }
    link.in.writeUInt32LE(bytes + pixels.length, link.at);
    link = { in: directory, at: directory.length - 4 };
    parts.push(pixels, directory);
    bytes += pixels.length + directory.length;
  }
  return Buffer.concat(parts);
}
