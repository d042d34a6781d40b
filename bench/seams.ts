// What do tiles change? Runs stacks untiled and in tiles, and compares: tile size by overlap, on a phantom and on a file.
// Differences are relative to p99.9 - p0.1 of the network's input. The border ratio: mean absolute gradient of the result
// across the planes, rows and columns where a tile begins or ends, of the untiled result's at the same places.
// usage: npm run bench:seams -- [--model DIR] [--stack FILE] [--out DIR] [--phantom Z,Y,X] [--tiles Z,Y,X/Z,Y,X;...]
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, cpus, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import sharp from "sharp";
import { readPackage } from "../export/package/read-package.ts";
import { openAcquisition } from "../formats/open.ts";
import { denoiseStack } from "../runtime/denoise-stack.ts";
import { startNetworkThread } from "../runtime/engine/network-thread.ts";
import { fittedPlan, type StackShape, type TilePlan } from "../runtime/tile-plan.ts";

type Box = readonly [number, number, number];

const root = resolve(import.meta.dirname, "..");
const { values } = parseArgs({
  options: {
    model: { type: "string", default: join(root, "models/default") },
    stack: { type: "string" },
    out: { type: "string", default: "seams" },
    phantom: { type: "string", default: "24,256,256" },
    tiles: { type: "string" },
  },
});
const model = await readPackage(resolve(values.model));
const network = startNetworkThread({ provider: "cpu", intraOpThreads: availableParallelism() }, "");
const signal = new AbortController().signal;
mkdirSync(values.out, { recursive: true });

const boxOf = (text: string): Box => {
  const [depth = 0, height = 0, width = 0] = text.split(",").map(Number);
  return [depth, height, width];
};

/** `tile/overlap`, and a third box for the outermost elements of a tile that count for nothing. */
function tilesFor([depth, height, width]: StackShape): [tile: Box, overlap: Box, halo: Box][] {
  if (values.tiles !== undefined) {
    return values.tiles.split(";").map((text) => {
      const [tile = "", overlap = "", halo = "0,0,0"] = text.split("/");
      return [boxOf(tile), boxOf(overlap), boxOf(halo)];
    });
  }
  const half = (length: number): number => 4 * Math.ceil((length / 2 + 32) / 4);
  return [
    [
      [8, height, width],
      [2, 0, 0],
      [0, 0, 0],
    ],
    [
      [8, height, width],
      [4, 0, 0],
      [0, 0, 0],
    ],
    [
      [8, height, width],
      [4, 0, 0],
      [1, 0, 0],
    ],
    [
      [depth - 1, height, width],
      [4, 0, 0],
      [1, 0, 0],
    ],
    [
      [depth, 128, 128],
      [0, 32, 32],
      [0, 0, 0],
    ],
    [
      [depth, 128, 128],
      [0, 64, 64],
      [0, 16, 16],
    ],
    [
      [depth, half(height), half(width)],
      [0, 64, 64],
      [0, 0, 0],
    ],
    [
      [depth, half(height), half(width)],
      [0, 64, 64],
      [0, 16, 16],
    ],
  ];
}

interface Stack {
  readonly name: string;
  readonly shape: StackShape;
  /** Network input, `[depth, height, width]`. */
  readonly samples: Float32Array<ArrayBuffer>;
}

async function readStack(name: string, file: string): Promise<Stack> {
  const source = await openAcquisition(file, { signal });
  const { sizes } = source.acquisition;
  const shape: StackShape = [Math.max(sizes.z, sizes.t), sizes.y, sizes.x];
  const planeVoxels = sizes.y * sizes.x;
  const samples = new Float32Array(shape[0] * planeVoxels);
  const [z, t] = sizes.z > 1 ? [1, 0] : [0, 1];
  for (let depth = 0; depth < shape[0]; depth += 1) {
    samples.set(await source.readPlane({ t: t * depth, c: 0, z: z * depth }), depth * planeVoxels);
  }
  await source.close();
  const at = quantilesOf(samples);
  const [low, high] = [at(0.015), at(0.995)];
  return { name, shape, samples: samples.map((value) => (value - low) / (high - low)) };
}

function quantilesOf(samples: Float32Array): (share: number) => number {
  const sorted = samples.toSorted();
  return (share) => sorted[Math.round(share * (sorted.length - 1))] ?? Number.NaN;
}

async function run({ shape, samples }: Stack, plan: TilePlan): Promise<Float32Array> {
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

/** Sum of absolute differences to the next element along each axis, where tiles begin or end. */
function gradientAtBorders(values: Float32Array, { axes }: TilePlan): number[] {
  const lengths = axes.map(({ length }) => length);
  return axes.map(({ length, tile, spans }, k) => {
    const borders = new Set(
      spans.flatMap(({ start }) => [start - 1, start + tile - 1]).filter((at) => at >= 0 && at + 1 < length),
    );
    const step = lengths.slice(k + 1).reduce((product, other) => product * other, 1);
    let sum = 0;
    for (let i = 0; i + step < values.length; i += 1) {
      if (!borders.has(Math.floor(i / step) % length)) continue;
      sum += Math.abs((values[i + step] ?? 0) - (values[i] ?? 0));
    }
    return sum;
  });
}

async function writeDifference(
  file: string,
  plane: Float32Array,
  width: number,
  range: number,
): Promise<void> {
  const fullScale = 0.05 * range;
  const grey = Uint8Array.from(plane, (value) => Math.min(255, Math.max(0, 128 + (127 * value) / fullScale)));
  await sharp(grey, { raw: { width, height: plane.length / width, channels: 1 } })
    .png()
    .toFile(file);
}

async function measure(stack: Stack): Promise<void> {
  const at = quantilesOf(stack.samples);
  const range = at(0.999) - at(0.001);
  const [depth, height, width] = stack.shape;
  const untiled = await run(stack, fittedPlan(stack.shape, stack.shape, [0, 0, 0]));
  for (const [tile, overlap, halo] of tilesFor(stack.shape)) {
    const plan = fittedPlan(stack.shape, tile, overlap, halo);
    const tiled = await run(stack, plan);
    const difference = tiled.map((value, i) => (value - (untiled[i] ?? 0)) / range);
    const largest = difference.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const rms = Math.sqrt(difference.reduce((sum, value) => sum + value * value, 0) / difference.length);
    const before = gradientAtBorders(untiled, plan);
    const ratios = gradientAtBorders(tiled, plan).map((sum, k) =>
      before[k] === 0 ? "-" : (sum / (before[k] ?? 1)).toFixed(3),
    );
    const percent = (share: number): string => (100 * share).toFixed(2);
    const row = [stack.name, tile, overlap, halo, percent(largest), percent(rms), ratios.join(" ")];
    console.log(`| ${row.join(" | ")} |`);
    const middle = Math.floor(depth / 2) * height * width;
    const picture = `${stack.name}-${tile.join("x")}-${overlap.join("x")}-${halo.join("x")}.png`;
    await writeDifference(
      join(values.out, picture),
      difference.slice(middle, middle + height * width),
      width,
      1,
    );
  }
}

const scratch = mkdtempSync(join(tmpdir(), "seams-"));
try {
  console.log(`${cpus()[0]?.model ?? "unknown CPU"}, ${availableParallelism()} cores, ${model.name}`);
  console.log("| stack | tile | overlap | left out at tile ends | largest % | RMS % | border ratio z y x |");
  console.log("|---|---|---|---|---:|---:|---|");
  const simulate = ["simulate", "--out", scratch, "--shape", values.phantom, "--seed", "11"];
  spawnSync(process.execPath, [join(root, "bin/cnnt-edge.js"), ...simulate], { stdio: "ignore" });
  await measure(await readStack("phantom", join(scratch, "simulated-0011.ome.tif")));
  if (values.stack !== undefined) await measure(await readStack("stack", resolve(values.stack)));
} finally {
  rmSync(scratch, { recursive: true });
  await network.close();
}
