import { entriesOf, zipOf } from "./stored-zip.ts";

export interface Mutation {
  readonly kind: string;
  readonly bytes: Buffer;
}

type Random = () => number;

/**
 * One change, of bytes anywhere or of what a file says: its pickle (with the zip's checksums made right again, so that
 * the change reaches the reader) or its header.
 */
export function mutate(source: Buffer, random: Random): Mutation {
  if (random() < 0.4) return { kind: "bytes", bytes: changeBytes(source, random) };
  if (source.toString("latin1", 0, 2) === "PK") {
    const entries = entriesOf(source);
    const change = pickleChange(random);
    const changed = entries.map(([name, bytes]) =>
      name.endsWith("/data.pkl") ? ([name, change.apply(bytes)] as const) : ([name, bytes] as const),
    );
    return { kind: change.kind, bytes: zipOf(changed) };
  }
  if (source[8] === 0x7b) return { kind: "header", bytes: changeHeader(source, random) };
  const change = pickleChange(random);
  return { kind: `stream, ${change.kind}`, bytes: change.apply(source) };
}

/** Most changes go where the structure is: the first and the last part of the file. */
function changeBytes(source: Buffer, random: Random): Buffer {
  const bytes = Buffer.from(source);
  const kind = random();
  if (kind < 0.1) return bytes.subarray(0, Math.floor(random() * bytes.length));
  if (kind < 0.2) return Buffer.concat([bytes, bytes.subarray(Math.floor(random() * bytes.length))]);
  const changes = 1 + Math.floor(random() * 8);
  for (let i = 0; i < changes; i += 1) {
    const where = random();
    const span = Math.min(12_000, bytes.length);
    const at =
      where < 0.6
        ? random() * span
        : where < 0.9
          ? bytes.length - 1 - random() * span
          : random() * bytes.length;
    bytes[Math.floor(at)] = random() < 0.3 ? 0xff : Math.floor(random() * 256);
  }
  return bytes;
}

/** What is written between two opcodes, once or up to three million times. */
const runs = {
  "empty dicts": "7d",
  "empty lists": "5d",
  marks: "28",
  "memo entries": "94",
  tuples: "85",
  pairs: "3286",
  copies: "32",
  sets: "8f",
  integers: "8a087fffffffffffff7f",
  names: "63636f6c6c656374696f6e730a436f756e7465720a",
  recalls: "6800",
} as const;

/** Opcodes after which a small number comes, and what stands for the same number with more bytes. */
const oneByteNumber = 0x4b;
const extremes = [0, 1, -1, 7, 4096, 65_535, 2 ** 31 - 1, -(2 ** 31)];

function pickleChange(random: Random): { kind: string; apply: (pickle: Buffer) => Buffer } {
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;
  const kind = random();
  if (kind < 0.35) {
    return { kind: "bytes of the pickle", apply: (pickle) => changeBytes(pickle, random) };
  }
  if (kind < 0.6) {
    const [name, hex] = pick(Object.entries(runs));
    const times = Math.floor(10 ** (6.5 * random() ** 2));
    const run = Buffer.alloc(times * (hex.length / 2), Buffer.from(hex, "hex"));
    return { kind: `${times} ${name}`, apply: (pickle) => insert(pickle, run, random) };
  }
  if (kind < 0.8) {
    const value = pick(extremes);
    return { kind: `a number becomes ${value}`, apply: (pickle) => changeNumber(pickle, value, random) };
  }
  return {
    kind: "a part is repeated",
    apply(pickle) {
      const at = Math.floor(random() * pickle.length);
      const part = pickle.subarray(at, at + Math.floor(random() * 2000));
      return insert(pickle, Buffer.concat(Array<Buffer>(Math.floor(random() * 50)).fill(part)), random, at);
    },
  };
}

function insert(pickle: Buffer, part: Buffer, random: Random, at?: number): Buffer {
  const position = at ?? Math.floor(random() * Math.min(pickle.length, 12_000));
  return Buffer.concat([pickle.subarray(0, position), part, pickle.subarray(position)]);
}

/** Shapes, strides, offsets and lengths below 256 are BININT1; one becomes BININT of another value. */
function changeNumber(pickle: Buffer, value: number, random: Random): Buffer {
  const at = pickle.indexOf(oneByteNumber, Math.floor(random() * Math.min(pickle.length, 12_000)));
  if (at === -1) return pickle;
  const number = Buffer.alloc(5);
  number.write("J", "latin1");
  number.writeInt32LE(value, 1);
  return Buffer.concat([pickle.subarray(0, at), number, pickle.subarray(at + 2)]);
}

function changeHeader(source: Buffer, random: Random): Buffer {
  const length = Number(source.readBigUInt64LE(0));
  const text = source.toString("utf8", 8, 8 + length);
  const data = source.subarray(8 + length);
  const many = Math.floor(10 ** (6 * random()));
  const changes = [
    (header: string) => header.replace(/"shape":\[\d+/, `$&${",1".repeat(many)}`),
    (header: string) => header.replace(/"shape":\[\d+/, `"shape":${"[".repeat(many)}`),
    (header: string) => header.replace(/"data_offsets":\[\d+,\d+/, `"data_offsets":[${-many},${many}`),
    (header: string) => header.replace(/\}$/, `${header.slice(1, 1 + many)}}`),
    (header: string) => header.replace(/"dtype":"F16"/, `"dtype":"${"F".repeat(many)}"`),
    (header: string) => header.replace(/^\{/, `{"__metadata__":${"[".repeat(many)},`),
    (header: string) => header.replace(/^\{/, `{"${"n".repeat(many)}":1,`),
    (header: string) => header.replace(/\d+/, String(10 ** (many % 25))),
  ];
  const change = changes[Math.floor(random() * changes.length)] ?? changes[0];
  const header = Buffer.from(change?.(text) ?? text);
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([size, header, data]);
}
