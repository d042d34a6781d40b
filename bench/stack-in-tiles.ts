// Stacks as network input, and what the network makes of them in the tiles of a plan: for benches that compare tilings.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import type { ModelPackage } from "../core/package-settings.ts";
import { openAcquisition } from "../formats/open.ts";
import type { PlaneSource } from "../formats/plane/plane-source.ts";
import type { Network } from "../runtime/job/network.ts";
import type { StackShape, TilePlan } from "../runtime/plan/tile-plan.ts";
import { denoiseStack } from "../runtime/stack/denoise-stack.ts";

export interface Stack {
  readonly name: string;
  readonly shape: StackShape;
  /** Network input, `[depth, height, width]`. */
  readonly samples: Float32Array<ArrayBuffer>;
}

const root = resolve(import.meta.dirname, "..");
const { signal } = new AbortController();

function shapeFrom(text: string): StackShape {
  const [depth = 1, height = 1, width = 1] = text.split(",").map(Number);
  return [depth, height, width];
}

/** A stack, or a pair of one, with what stood there without noise. */
export interface StackWithTruth extends Stack {
  /** In the scale of `samples`. */
  readonly clean: Float32Array<ArrayBuffer>;
}

/** `FILE` or `FILE@Z,Y,X`: only the middle of the file, of this size. Scaled by its percentiles. */
export async function readStack(text: string): Promise<Stack> {
  const [file = "", size] = text.split("@");
  const source = await openAcquisition(resolve(file), { signal });
  const { shape, samples } = await readPlanes(source, 0, size);
  await source.close();
  return {
    name: basename(file).replace(/[._].*$/, ""),
    shape,
    samples: samples.map(percentileScale(samples)),
  };
}

/** Each channel of two files, both scaled by the noisy one's percentiles, as the shipped package does. */
export async function* readPair(noisyFile: string, cleanFile: string): AsyncGenerator<StackWithTruth> {
  const noisy = await openAcquisition(noisyFile, { signal });
  const clean = await openAcquisition(cleanFile, { signal });
  try {
    for (let c = 0; c < noisy.acquisition.sizes.c; c += 1) {
      const { shape, samples } = await readPlanes(noisy, c);
      const truth = await readPlanes(clean, c);
      const scale = percentileScale(samples);
      yield {
        name: `${basename(noisyFile)} ${c}`,
        shape,
        samples: samples.map(scale),
        clean: truth.samples.map(scale),
      };
    }
  } finally {
    await noisy.close();
    await clean.close();
  }
}

/** Simulated fluorescence, at 20 photons where nothing else is given. `shape`: Z,Y,X. */
export async function readPhantom(
  shape: string,
  { seed = 11, photons = "20" } = {},
): Promise<StackWithTruth> {
  const scratch = mkdtempSync(join(tmpdir(), "phantom-"));
  try {
    const options = ["--shape", shape, "--photons", photons, "--seed", String(seed), "--clean"];
    spawnSync(process.execPath, [join(root, "bin/cnnt-edge.js"), "simulate", "--out", scratch, ...options], {
      stdio: "ignore",
    });
    const file = join(scratch, `simulated-${String(seed).padStart(4, "0")}`);
    for await (const stack of readPair(`${file}.ome.tif`, `${file}-clean.ome.tif`)) {
      return { ...stack, name: "phantom" };
    }
    throw new Error(`no stack of ${shape} was simulated`);
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

/** All planes of a channel as they are, or those in the middle. */
async function readPlanes(source: PlaneSource, c: number, size?: string) {
  const { sizes } = source.acquisition;
  const planes = Math.max(sizes.z, sizes.t);
  const [depth, height, width] = size === undefined ? [planes, sizes.y, sizes.x] : shapeFrom(size);
  const [firstPlane, top, left] = [(planes - depth) >> 1, (sizes.y - height) >> 1, (sizes.x - width) >> 1];
  const [z, t] = sizes.z > 1 ? [1, 0] : [0, 1];
  const samples = new Float32Array(depth * height * width);
  for (let k = 0; k < depth; k += 1) {
    const plane = await source.readPlane({ t: t * (firstPlane + k), c, z: z * (firstPlane + k) });
    for (let row = 0; row < height; row += 1) {
      const at = (top + row) * sizes.x + left;
      samples.set(plane.subarray(at, at + width), (k * height + row) * width);
    }
  }
  return { shape: [depth, height, width] as const, samples };
}

function percentileScale(samples: Float32Array): (value: number) => number {
  const quantile = quantilesOf(samples);
  const [low, high] = [quantile(0.015), quantile(0.995)];
  return (value) => (value - low) / (high - low);
}

export function quantilesOf(samples: Float32Array): (share: number) => number {
  const sorted = samples.toSorted();
  return (share) => sorted[Math.round(share * (sorted.length - 1))] ?? Number.NaN;
}

/** The network's output for the whole stack, `[depth, height, width]`. */
export async function runInTiles(
  { shape, samples }: Stack,
  plan: TilePlan,
  model: ModelPackage,
  network: Network,
): Promise<Float32Array> {
  const planeVoxels = shape[1] * shape[2];
  const result = new Float32Array(samples.length);
  await denoiseStack(
    {
      plan,
      model,
      sampleType: "float32",
      map: { low: 0, range: 1, clip: false },
      readPlane: async (depth, into) => {
        into.set(samples.subarray(depth * planeVoxels, (depth + 1) * planeVoxels));
      },
      deliver: async (depth, plane) => result.set(plane, depth * planeVoxels),
    },
    network,
    signal,
  );
  return result;
}
