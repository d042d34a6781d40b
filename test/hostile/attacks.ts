import { expectedTensors } from "../../export/cnnt/expected-tensors.ts";
import { zipOf } from "./stored-zip.ts";

/** Checkpoints of some bytes that ask for gigabytes, minutes or a deep stack; each with the code of its refusal. */

export interface Attack {
  readonly name: string;
  readonly code: string;
  readonly bytes: () => Buffer;
}

const head = Buffer.from([0x80, 2]);
const stop = Buffer.from(".");
const none = Buffer.from("N");

function archive(...pickle: readonly Buffer[]): Buffer {
  return zipOf([["archive/data.pkl", Buffer.concat(pickle)]]);
}

/** The magic number, the protocol and the facts of torch's stream form, then pickles. */
function stream(...pickles: readonly Buffer[]): Buffer {
  const magic = Buffer.from("80028a0a6cfc9c46f9206aa850192e", "hex");
  return Buffer.concat([
    magic,
    Buffer.from("80024de9032e", "hex"),
    Buffer.from("80027d2e", "hex"),
    ...pickles,
  ]);
}

function text(value: string): Buffer {
  const length = Buffer.alloc(5);
  length.write("X", "latin1");
  length.writeUInt32LE(Buffer.byteLength(value), 1);
  return Buffer.concat([length, Buffer.from(value)]);
}

function integer(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(BigInt(value));
  return Buffer.concat([Buffer.from([0x8a, 8]), bytes]);
}

const name = (module: string, attribute: string): Buffer => Buffer.from(`c${module}\n${attribute}\n`);
const tuple = (...items: readonly Buffer[]): Buffer =>
  Buffer.concat([Buffer.from("("), ...items, Buffer.from("t")]);
const numbers = (values: readonly number[]): Buffer => tuple(...values.map(integer));

function storage(key: string, elements: number): Buffer {
  const id = tuple(text("storage"), name("torch", "FloatStorage"), text(key), text("cpu"), integer(elements));
  return Buffer.concat([id, Buffer.from("Q")]);
}

function tensor(of: Buffer, shape: readonly number[], strides: readonly number[]): Buffer {
  const args = tuple(of, integer(0), numbers(shape), numbers(strides), Buffer.from([0x89]), none);
  return Buffer.concat([name("torch._utils", "_rebuild_tensor_v2"), args, Buffer.from("R")]);
}

/** A state dict of a CNNT whose tensors all repeat the elements of one storage. */
function expandedNetwork(channels: number, blocksPerSet: number): Buffer {
  const architecture = {
    blocks: [channels, channels],
    blocks_per_set: blocksPerSet,
    n_head: 1,
    kernel_size: 3,
    norm_mode: "instance",
    with_mixer: true,
    no_residual: false,
  } as const;
  const shapes = expectedTensors({ ...architecture, blocks: [...architecture.blocks] }, undefined);
  const items = [...shapes].flatMap(([key, shape]) => [
    text(key),
    tensor(
      storage("0", 4),
      shape,
      shape.map(() => 0),
    ),
  ]);
  const pickle = Buffer.concat([head, Buffer.from("}("), ...items, Buffer.from("u"), stop]);
  return zipOf([
    ["archive/data.pkl", pickle],
    ["archive/data/0", Buffer.alloc(16)],
  ]);
}

/** A list of `length` pairs, made into an OrderedDict again and again: `times` times the work for five bytes each. */
function copiedAgain(length: number, times: number): Buffer {
  const pair = Buffer.concat([none, none, Buffer.from([0x86])]);
  const list = Buffer.concat([Buffer.from("]q\0("), ...Array<Buffer>(length).fill(pair), Buffer.from("e0")]);
  const make = Buffer.concat([Buffer.from("h\u0001h\0"), Buffer.from([0x85]), Buffer.from("R0")]);
  const named = Buffer.concat([name("collections", "OrderedDict"), Buffer.from("q\u00010")]);
  return archive(head, list, named, ...Array<Buffer>(times).fill(make), none, stop);
}

function safetensors(header: string): Buffer {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(Buffer.byteLength(header)));
  return Buffer.concat([length, Buffer.from(header)]);
}

const entry = '{"dtype":"F32","shape":[0],"data_offsets":[0,0]}';
const ofRank = (rank: number, item = "1"): string =>
  `{"a":{"dtype":"F32","shape":[${Array(rank).fill(item).join()}],"data_offsets":[0,4]}}`;

export const attacks: readonly Attack[] = [
  {
    name: "60 MB of empty dicts",
    code: "torch-no-pickle",
    bytes: () => archive(head, Buffer.alloc(60e6, "}"), stop),
  },
  {
    name: "15 MB of empty dicts",
    code: "pickle-limit",
    bytes: () => archive(head, Buffer.alloc(15e6, "}"), stop),
  },
  {
    name: "60 MB of empty dicts in the stream form",
    code: "pickle-limit",
    bytes: () => stream(head, Buffer.alloc(60e6, "}"), stop),
  },
  {
    name: "a memo of 15 million entries",
    code: "pickle-limit",
    bytes: () => archive(head, none, Buffer.alloc(15e6, 0x94), stop),
  },
  {
    name: "tuples 7 million deep",
    code: "pickle-limit",
    bytes: () => archive(head, none, Buffer.alloc(7e6, 0x85), stop),
  },
  {
    name: "a list of pairs that is copied a thousand times",
    code: "pickle-limit",
    bytes: () => copiedAgain(3e4, 1e3),
  },
  {
    name: "a name of 10 MB",
    code: "pickle-global",
    bytes: () => archive(head, name("os", "x".repeat(10e6)), stop),
  },
  {
    name: "a tensor of 100,000 axes",
    code: "pickle-limit",
    bytes: () => archive(head, tensor(storage("0", 4), Array(1e5).fill(1), Array(1e5).fill(1)), stop),
  },
  {
    name: "25,000 storages",
    code: "pickle-limit",
    bytes: () => archive(head, ...Array.from({ length: 25_000 }, (_, i) => storage(String(i), 4)), stop),
  },
  {
    name: "one storage of two sizes",
    code: "pickle-malformed",
    bytes: () => stream(head, storage("0", 4), storage("0", 1e12), stop),
  },
  {
    name: "a network that is one number, expanded",
    code: "torch-tensor-expanded",
    bytes: () => expandedNetwork(4096, 1),
  },
  { name: "a network with a billion channels", code: "cnnt-not", bytes: () => expandedNetwork(1e9, 1) },
  {
    name: "a network of 100 cells of one number",
    code: "torch-tensor-expanded",
    bytes: () => expandedNetwork(1024, 100),
  },
  {
    name: "a dict that holds itself",
    code: "checkpoint-no-state-dict",
    bytes: () => archive(head, Buffer.from("}q\0"), text("me"), Buffer.from("h\0s"), stop),
  },
  {
    name: "tuples that hold the one before twice, 100,000 times",
    code: "checkpoint-no-state-dict",
    bytes: () =>
      archive(
        head,
        Buffer.from("}"),
        text("a"),
        Buffer.from("]"),
        ...Array<Buffer>(1e5).fill(Buffer.from([0x32, 0x86])),
        Buffer.from("s"),
        stop,
      ),
  },
  {
    name: "a zip file of 25,000 entries",
    code: "torch-zip-entries",
    bytes: () => zipOf(Array.from({ length: 25_000 }, (_, i) => [`archive/${i}`, Buffer.alloc(0)] as const)),
  },
  { name: "safetensors of rank 100,000", code: "safetensors-damaged", bytes: () => safetensors(ofRank(1e5)) },
  {
    name: "safetensors of rank 2 million, no numbers",
    code: "safetensors-damaged",
    bytes: () => safetensors(ofRank(2e6, '""')),
  },
  {
    name: "safetensors of 150,000 names",
    code: "safetensors-damaged",
    bytes: () => safetensors(`{${Array.from({ length: 150_000 }, (_, i) => `"${i}":${entry}`).join()}}`),
  },
  {
    name: "safetensors of 300,000 names",
    code: "safetensors-damaged",
    bytes: () => safetensors(`{${Array.from({ length: 3e5 }, (_, i) => `"${i}":${entry}`).join()}}`),
  },
  {
    name: "safetensors nested a million deep",
    code: "safetensors-damaged",
    bytes: () => safetensors(`{"__metadata__":${"[".repeat(1e6)}${"]".repeat(1e6)}}`),
  },
  {
    name: "safetensors with a name that stands twice",
    code: "safetensors-damaged",
    bytes: () => safetensors(`{"a":${entry},"a":${entry}}`),
  },
  {
    name: "safetensors with a name of a megabyte",
    code: "safetensors-damaged",
    bytes: () => safetensors(`{"${"x".repeat(1e6)}":${entry}}`),
  },
];
