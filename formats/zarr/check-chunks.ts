import { elementCount } from "../../core/tensor.ts";
import { type Reading, takeStep } from "../file/reading.ts";
import { fileKey, gridOf, type ZarrArray } from "./array.ts";
import { openChunkFile, refuseTorn } from "./chunk-file.ts";
import type { ZarrStore } from "./store.ts";

/** How many of an array's chunks the store has. */
export interface ChunkCount {
  readonly all: number;
  /** Writers leave out chunks that hold nothing but the fill value. */
  readonly absent: number;
}

/** Files that are looked at at a time. */
const atOnce = 16;

/**
 * Looks at each file of an array: its length, the index of a shard, the header of Blosc. Throws `EdgeError` for the first that is
 * torn. Nothing is decoded. It takes as long as there are files, however large the array says that it is.
 */
export async function checkChunks(store: ZarrStore, array: ZarrArray, reading: Reading): Promise<ChunkCount> {
  const all = elementCount(gridOf(array.shape, array.chunkShape));
  let present = 0;
  let group: number[][] = [];
  const look = async (): Promise<void> => {
    takeStep(reading);
    const counts = await Promise.allSettled(group.map((place) => chunksIn(store, array, place)));
    for (const count of counts) {
      if (count.status === "rejected") throw count.reason;
      present += count.value;
    }
    group = [];
  };
  for await (const place of filePlaces(store, array)) {
    group.push(place);
    if (group.length === atOnce) await look();
  }
  await look();
  return { all, absent: all - present };
}

/** How many chunks one file holds, each of which was looked at. */
async function chunksIn(store: ZarrStore, array: ZarrArray, filePlace: readonly number[]): Promise<number> {
  const file = await openChunkFile(store, array, filePlace);
  if (file === undefined) return 0;
  try {
    let count = 0;
    for (const place of chunkPlaces(array, filePlace)) {
      const stored = file.chunkAt(place);
      if (stored === undefined) continue;
      await refuseTorn(file, stored, array);
      count += 1;
    }
    return count;
  } finally {
    await file.source.close();
  }
}

/** Where the chunks of a file stand in the grid of chunks, as far as the array goes. */
function* chunkPlaces(
  { shape, fileShape, chunkShape }: ZarrArray,
  filePlace: readonly number[],
): Generator<number[]> {
  const counts = gridOf(fileShape, chunkShape);
  const ends = gridOf(shape, chunkShape);
  const first = filePlace.map((at, axis) => at * (counts[axis] ?? 1));
  const place = [...first];
  for (;;) {
    yield place;
    let axis = place.length - 1;
    for (; axis >= 0; axis -= 1) {
      const next = (place[axis] ?? 0) + 1;
      const end = Math.min((first[axis] ?? 0) + (counts[axis] ?? 1), ends[axis] ?? 1);
      place[axis] = next < end ? next : (first[axis] ?? 0);
      if (next < end) break;
    }
    if (axis < 0) return;
  }
}

/** The places of the files that are there, and that the array reaches: a store may have others. */
async function* filePlaces(store: ZarrStore, array: ZarrArray): AsyncGenerator<number[]> {
  const { keys, shape, fileShape } = array;
  const grid = gridOf(shape, fileShape);
  const isInside = (place: readonly number[]): boolean => place.every((at, axis) => at < (grid[axis] ?? 0));
  if (keys.separator === ".") {
    for (const { name } of await store.list(array.key)) {
      const place = (keys.prefix === "" ? name : name.slice(2)).split(".").map(Number);
      if (place.length === grid.length && isInside(place) && fileKey(keys, place) === name) yield place;
    }
    return;
  }
  const below = async function* (key: string, before: readonly number[]): AsyncGenerator<number[]> {
    const isLast = before.length === grid.length - 1;
    for (const { name, isFolder } of await store.list(key)) {
      const place = [...before, Number(name)];
      if (String(place.at(-1)) !== name || !isInside(place) || isFolder === isLast) continue;
      if (isLast) yield place;
      else yield* below(`${key}/${name}`, place);
    }
  };
  const root = [array.key, keys.prefix].filter((part) => part !== "").join("/");
  yield* below(root, []);
}
