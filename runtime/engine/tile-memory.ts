import { mkdir, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { z } from "zod";
import type { ModelPackage } from "../../core/package-settings.ts";
import { writeFileAtomically } from "../../formats/file/atomic-file.ts";

/** Which tiles were too large for a model on a provider of this machine, so that nobody runs into it twice. */
export interface TileMemory {
  /** Voxels of the largest tile that may be tried; undefined where none has failed. */
  readonly largestVoxels: (model: HashedModel, provider: string) => number | undefined;
  /** Never rejects: what cannot be kept is learned again. */
  readonly remember: (model: HashedModel, provider: string, voxels: number) => Promise<void>;
  /** All that is known, for the memory of another process. */
  readonly known: () => KnownTiles;
}

/** Voxels of the largest tile that may be tried, by provider and hash of the model. */
export const knownTilesSchema = z.record(z.string(), z.int().positive());
export type KnownTiles = z.infer<typeof knownTilesSchema>;

export type HashedModel = Pick<ModelPackage, "modelSha256">;

/** Half of what was too large; one voxel is the end of it. */
export function smallerVoxels(tooLarge: number): number {
  return Math.max(1, Math.floor(tooLarge / 2));
}

/**
 * Reads the file; one that is missing or not ours counts as empty. Without a file, starts from what was `told` and
 * remembers while it lives.
 */
export async function openTileMemory(file: string | undefined, told: KnownTiles = {}): Promise<TileMemory> {
  const known = new Map(Object.entries(file === undefined ? told : await readKnown(file)));
  const keyOf = ({ modelSha256 }: HashedModel, provider: string): string => `${provider} ${modelSha256}`;
  return {
    largestVoxels: (model, provider) => known.get(keyOf(model, provider)),
    known: () => Object.fromEntries(known),
    async remember(model, provider, voxels) {
      known.set(keyOf(model, provider), voxels);
      if (file === undefined) return;
      const text = `${JSON.stringify(Object.fromEntries(known), null, 2)}\n`;
      await mkdir(dirname(file), { recursive: true })
        .then(() => writeFileAtomically(file, Buffer.from(text), { overwrite: true }))
        .catch(() => undefined);
    },
  };
}

async function readKnown(file: string): Promise<KnownTiles> {
  try {
    return knownTilesSchema.parse(JSON.parse(await readFile(file, "utf8")));
  } catch {
    return {};
  }
}
