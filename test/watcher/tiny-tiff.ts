/** A classic little-endian TIFF of one plane of 8 x 8 uint16 in one strip, all samples `value`. */
export function tinyTiff(value: number): Buffer {
  const side = 8;
  const pixels = Buffer.alloc(side * side * 2);
  for (let index = 0; index < side * side; index += 1) pixels.writeUInt16LE(value, index * 2);
  const tags: [tag: number, type: 3 | 4, value: number][] = [
    [256, 3, side],
    [257, 3, side],
    [258, 3, 16],
    [259, 3, 1],
    [262, 3, 1],
    [273, 4, 8],
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
  const header = Buffer.from("49492a0000000000", "hex");
  header.writeUInt32LE(header.length + pixels.length, 4);
  return Buffer.concat([header, pixels, directory]);
}
