import { formatError, isEdgeError } from "../../core/errors.ts";
import type { ByteSource } from "../../formats/file/byte-source.ts";
import { type PickleResult, readPickle } from "./pickle.ts";
import { maxPickleBytes } from "./pickle-limits.ts";
import { itemsOf, type StorageReference } from "./pickle-values.ts";
import { type StoredTensors, tensorDictsIn } from "./tensor-dicts.ts";

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

export async function readStreamCheckpoint(source: ByteSource): Promise<StoredTensors> {
  const { root, keys, end } = await readPickles(source);
  const dicts = tensorDictsIn(root.value, source.file);
  const offsets = await locateStorages(source, keys, root.storages, end);
  return {
    dicts,
    async readElements(storage, { first, count }, tensorName) {
      const offset = offsets.get(storage.key);
      if (offset === undefined) throw damaged(source.file, `no storage for ${tensorName}`);
      const buffer = Buffer.allocUnsafeSlow(count * storage.elementBytes);
      await source.readInto(buffer, offset + first * storage.elementBytes);
      return buffer;
    },
  };
}

/** Nothing tells how long the pickles are: they are read with a window that grows until they fit. */
async function readPickles(source: ByteSource) {
  const { size, file } = source;
  for (let window = 1 << 18; ; window *= 4) {
    const buffer = Buffer.alloc(Math.min(window, size, maxPickleBytes));
    await source.readInto(buffer, 0);
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
  const items = itemsOf(value) ?? [];
  const keys = items.filter((item) => typeof item === "string");
  if (keys.length === 0 || keys.length !== items.length) throw damaged(file, "no list of storages");
  return keys;
}

/** Where each storage's elements start. Walks over them by their lengths; the elements themselves are not touched. */
async function locateStorages(
  source: ByteSource,
  keys: readonly string[],
  storages: ReadonlyMap<string, StorageReference>,
  start: number,
): Promise<Map<string, number>> {
  const { file, size } = source;
  if (keys.length > storages.size) throw damaged(file, `${keys.length} storages, ${storages.size} are named`);
  const offsets = new Map<string, number>();
  const head = Buffer.alloc(8);
  let offset = start;
  for (const key of keys) {
    const storage = storages.get(key);
    if (storage === undefined || offsets.has(key) || offset + 8 > size) {
      throw damaged(file, `storage ${key.slice(0, 50)} is cut or was not named`);
    }
    await source.readInto(head, offset);
    const elements = Number(head.readBigInt64LE(0));
    const bytes = elements * storage.elementBytes;
    if (elements !== storage.elements || offset + 8 + bytes > size) {
      throw damaged(file, `storage ${key.slice(0, 50)} is cut or of another length`);
    }
    offsets.set(key, offset + 8);
    offset += 8 + bytes;
  }
  return offsets;
}

function damaged(file: string, found: string) {
  return formatError("the checkpoint (torch's older stream form) is damaged", {
    code: "torch-stream-damaged",
    file,
    found,
    remedy: "Copy the file again; it may have been cut",
  });
}
