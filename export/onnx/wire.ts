/**
 * The protobuf wire format, writing only. A message is a list of chunks, so that the bytes of large tensors are
 * carried by reference and never copied. Source: protobuf.dev, "Encoding".
 */

export type Chunks = readonly Uint8Array[];

const wireVarint = 0;
const wireLengthDelimited = 2;
const wireFixed32 = 5;

/** Base-128, least significant group first; negative numbers as 64-bit two's complement. */
function varint(value: number | bigint): Uint8Array {
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  do {
    const group = Number(rest & 0x7fn);
    rest >>= 7n;
    bytes.push(rest === 0n ? group : group | 0x80);
  } while (rest !== 0n);
  return Uint8Array.from(bytes);
}

function tag(field: number, wireType: number): Uint8Array {
  return varint((field << 3) | wireType);
}

export function byteLength(chunks: Chunks): number {
  return chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0);
}

export function integerField(field: number, value: number | bigint): Chunks {
  return [tag(field, wireVarint), varint(value)];
}

export function floatField(field: number, value: number): Chunks {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setFloat32(0, value, true);
  return [tag(field, wireFixed32), bytes];
}

export function bytesField(field: number, bytes: Uint8Array): Chunks {
  return [tag(field, wireLengthDelimited), varint(bytes.byteLength), bytes];
}

export function stringField(field: number, text: string): Chunks {
  return bytesField(field, new TextEncoder().encode(text));
}

export function messageField(field: number, message: Chunks): Chunks {
  return [tag(field, wireLengthDelimited), varint(byteLength(message)), ...message];
}

/** Repeated integers in the packed form. */
export function packedIntegersField(field: number, values: readonly (number | bigint)[]): Chunks {
  return messageField(field, values.map(varint));
}
