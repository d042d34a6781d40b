import { mkdir, readFile } from "node:fs/promises";
import { cpus } from "node:os";
import { dirname, join } from "node:path";
import { z } from "zod";
import type { ModelPackage } from "../../core/package-settings.ts";
import { elementCount } from "../../core/tensor.ts";
import { writeFileAtomically } from "../../formats/file/atomic-file.ts";
import { cacheFolder } from "../machine/cache-folder.ts";
import { onnxRuntimeVersion } from "../machine/product-version.ts";

/** How fast a model was on this machine, tile by tile. */
export interface MeasuredRate {
  readonly tile: readonly [depth: number, height: number, width: number];
  /** Voxels of input through the network per second. */
  readonly voxels_per_s: number;
  readonly threads: number;
}

const side = z.int().positive();
const fileSchema = z.record(
  z.string(),
  z.array(
    z.strictObject({ tile: z.tuple([side, side, side]), voxels_per_s: z.number().positive(), threads: side }),
  ),
);

/** What was measured, by model, provider, runtime and processor; another of any of them starts anew. */
export type MeasuredRates = (model: ModelPackage, provider: string) => readonly MeasuredRate[];

/** Where they are kept: for this user, on this machine. */
export function tuningFile(env: NodeJS.ProcessEnv): string {
  return join(cacheFolder(env), "tuning.json");
}

/** Reads the file; one that is missing or not ours says nothing. */
export async function readRates(file: string): Promise<MeasuredRates> {
  const known = await readKnown(file);
  return (model, provider) => known[keyOf(model, provider)] ?? [];
}

/** Puts a model's rates in the place of its older ones. */
export async function keepRates(
  file: string,
  model: ModelPackage,
  provider: string,
  rates: readonly MeasuredRate[],
): Promise<void> {
  const known = { ...(await readKnown(file)), [keyOf(model, provider)]: rates };
  await mkdir(dirname(file), { recursive: true });
  await writeFileAtomically(file, Buffer.from(`${JSON.stringify(known, null, 2)}\n`), { overwrite: true });
}

function keyOf({ modelSha256 }: ModelPackage, provider: string): string {
  return [provider, onnxRuntimeVersion(), cpus()[0]?.model.trim() ?? "unknown", modelSha256].join(" | ");
}

async function readKnown(file: string): Promise<z.infer<typeof fileSchema>> {
  try {
    return fileSchema.parse(JSON.parse(await readFile(file, "utf8")));
  } catch {
    return {};
  }
}

/** The rate of the measured tile that is nearest in voxels; undefined where nothing was measured. */
export function rateFor(
  rates: readonly MeasuredRate[],
  tile: readonly [depth: number, height: number, width: number],
): MeasuredRate | undefined {
  const apart = (rate: MeasuredRate): number =>
    Math.abs(Math.log(elementCount(rate.tile) / elementCount(tile)));
  return [...rates].sort((a, b) => apart(a) - apart(b))[0];
}

/**
 * The depth of chunks that delivers most voxels a second: of what the network computes, what a chunk of this
 * depth shares with the next is computed again. Undefined where nothing was measured.
 */
export function fastestChunkDepth(
  rates: readonly MeasuredRate[],
  overlapOf: (depth: number) => number,
): number | undefined {
  const delivered = ({ tile: [depth], voxels_per_s }: MeasuredRate): number =>
    (voxels_per_s * (depth - overlapOf(depth))) / depth;
  return [...rates].sort((a, b) => delivered(b) - delivered(a))[0]?.tile[0];
}
