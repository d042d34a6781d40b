import { type FileHandle, open } from "node:fs/promises";
import { formatError, isEdgeError } from "../../core/errors.ts";
import { type PickleResult, readPickle } from "./pickle.ts";
import type { PickleValue, StorageReference } from "./pickle-values.ts";
import { stateDictOf } from "./state-dict.ts";
import type { ElementRange, StoredTensors } from "./stored-tensors.ts";
import { maxPickleBytes } from "./zip-checkpoint.ts";

/**
 * torch.save's older form (before 1.6, or `_use_new_zipfile_serialization=False`): five pickles one after the other
 * (magic number, protocol, facts of the machine, the object, the keys of its storages), then for each key the number of
 * elements and the elements. Source: torch/serialization.py, `_legacy_save`.
 */

/** The magic number 0x1950a86a20f9469cfc6c as a pickled long, and stop. */
const magicNumber = Buffer.from("8a0a6cfc9c46f9206aa850192e", "hex");
const frameOpcode = 0x95;

/**
 * Length of the first pickle of a stream checkpoint, or undefined for another file: a protocol from 2 to 5, from 4 on
 * a frame around the rest, and the magic number.
 */
export function streamMagicLength(head: Buffer): number | undefined {
  const protocol = head[1] ?? 0;
  if (head[0] !== 0x80 || protocol < 2 || protocol > 5) return undefined;
  const start = head[2] === frameOpcode ? 11 : 2;
  const end = start + magicNumber.length;
  return head.subarray(start, end).equals(magicNumber) ? end : undefined;
}

interface StoredRun {
  readonly offset: number;
  readonly elements: number;
}

export async function openStreamCheckpoint(file: string, place?: string): Promise<StoredTensors> {
  const handle = await open(file, "r");
  try {
    const { root, keys, end } = await readPickles(handle, file);
    const tensors = stateDictOf(root.value, file, place);
    const runs = await locateStorages(handle, file, keys, root.storages, end);
    return {
      file,
      tensors,
      readElements: (storage, range, tensorName) =>
        readRun(handle, file, runs.get(storage.key), storage, range, tensorName),
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** Nothing tells how long the pickles are: they are read with a window that grows until they fit. */
async function readPickles(handle: FileHandle, file: string) {
  const { size } = await handle.stat();
  for (let window = 1 << 18; ; window *= 4) {
    const buffer = Buffer.alloc(Math.min(window, size, maxPickleBytes));
    await handle.read(buffer, 0, buffer.length, 0);
    try {
      let end = streamMagicLength(buffer) ?? 0;
      end = readPickle(buffer, file, end).end; // protocol
      end = readPickle(buffer, file, end).end; // facts of the machine
      const root = readPickle(buffer, file, end);
      const keys = readPickle(buffer, file, root.end);
      return { root, keys: keysOf(keys, file), end: keys.end };
    } catch (error) {
      const wholeFile = buffer.length === size || buffer.length === maxPickleBytes;
      if (wholeFile || !isEdgeError(error, "pickle-cut")) throw error;
    }
  }
}

function keysOf({ value }: PickleResult, file: string): string[] {
  const items: readonly PickleValue[] =
    typeof value === "object" && value?.kind === "list" ? value.items : [];
  const keys = items.filter((item) => typeof item === "string");
  if (keys.length === 0 || keys.length !== items.length) throw damaged(file, "no list of storages");
  return keys;
}

/** Walks over the storages by their lengths; the elements themselves are not touched. */
async function locateStorages(
  handle: FileHandle,
  file: string,
  keys: readonly string[],
  storages: ReadonlyMap<string, StorageReference>,
  start: number,
): Promise<Map<string, StoredRun>> {
  const { size } = await handle.stat();
  const runs = new Map<string, StoredRun>();
  const head = Buffer.alloc(8);
  let offset = start;
  for (const key of keys) {
    const { bytesRead } = await handle.read(head, 0, 8, offset);
    const storage = storages.get(key);
    const elements = Number(head.readBigInt64LE(0));
    const bytes = elements * (storage?.elementBytes ?? 0);
    if (
      bytesRead < 8 ||
      storage === undefined ||
      elements !== storage.elements ||
      offset + 8 + bytes > size
    ) {
      throw damaged(file, `storage ${key} is cut or of another length`);
    }
    runs.set(key, { offset: offset + 8, elements });
    offset += 8 + bytes;
  }
  return runs;
}

async function readRun(
  handle: FileHandle,
  file: string,
  run: StoredRun | undefined,
  storage: StorageReference,
  range: ElementRange,
  tensorName: string,
): Promise<Buffer> {
  if (run === undefined) throw damaged(file, `no storage for ${tensorName}`);
  const buffer = Buffer.allocUnsafeSlow(range.count * storage.elementBytes);
  const position = run.offset + range.first * storage.elementBytes;
  const { bytesRead } = await handle.read(buffer, 0, buffer.length, position);
  if (bytesRead !== buffer.length) throw damaged(file, `the storage of ${tensorName} is cut`);
  return buffer;
}

function damaged(file: string, found: string) {
  return formatError("the checkpoint (torch's older stream form) is damaged", {
    code: "torch-stream-damaged",
    file,
    found,
    remedy: "Copy the file again; it may have been cut",
  });
}
