import type { Samples } from "../../core/acquisition.ts";

/** Decoded chunks that hold several planes, so that each is not decoded again for each plane of it. */
export interface KeptChunks {
  /** The chunk that was made for `key`, or `make`'s, whose samples take `bytes`. Calls may overlap. */
  get(key: string, bytes: number, make: () => Promise<Samples>): Promise<Samples>;
}

/** Keeps `mostBytes` at most, but always the last: those that were used longest ago go first. */
export function keptChunks(mostBytes: number): KeptChunks {
  // A Map keeps its order: the first entry is the one that was used longest ago.
  const kept = new Map<string, { readonly bytes: number; readonly samples: Promise<Samples> }>();
  let total = 0;
  const forget = (key: string): void => {
    total -= kept.get(key)?.bytes ?? 0;
    kept.delete(key);
  };
  return {
    async get(key, bytes, make) {
      const known = kept.get(key);
      const samples = known?.samples ?? make();
      forget(key);
      kept.set(key, { bytes, samples });
      total += bytes;
      for (const other of kept.keys()) {
        if (total <= mostBytes || other === key) break;
        forget(other);
      }
      try {
        return await samples;
      } catch (error) {
        if (kept.get(key)?.samples === samples) forget(key);
        throw error;
      }
    },
  };
}
