// Which tiles a package should state: for stacks with known truth, what each tile and overlap gives. A simulated stack is
// judged by PSNR as is; planes of real pairs after a fit of gain and offset, since most pairs differ in brightness.
// usage: npm run bench:tiles -- [--model DIR] [--stack Z,Y,X@PHOTONS]... [--pairs DIR] [--tile Z,Y,X/SHARED_Z,SHARED_YX]...
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { elementCount } from "../core/tensor.ts";
import { readPackage } from "../export/package/read-package.ts";
import { openAcquisition } from "../formats/open.ts";
import { startNetworkThread } from "../runtime/engine/network-thread.ts";
import type { TileShape } from "../runtime/job/network.ts";
import { chooseTiles } from "../runtime/plan/choose-tile.ts";
import { memoryNeed } from "../runtime/plan/memory-need.ts";
import {
  type Overlap,
  redundancy,
  type StackShape,
  type TilePlan,
  tileCount,
  tileShapeOf,
} from "../runtime/plan/tile-plan.ts";
import { seamsAlong } from "./seams-measured.ts";
import { quantilesOf, runInTiles } from "./stack-in-tiles.ts";

const root = resolve(import.meta.dirname, "..");
const { values } = parseArgs({
  options: {
    model: { type: "string", default: join(root, "models/default") },
    stack: { type: "string", multiple: true, default: ["30,512,512@20"] },
    pairs: { type: "string" },
    tile: {
      type: "string",
      multiple: true,
      default: ["8,64,64/2,8", "16,96,96/2,8", "16,136,136/2,8", "16,184,184/2,16", "11,272,272/1,32"],
    },
  },
});

interface Truth {
  readonly name: string;
  readonly shape: StackShape;
  /** As network input, and the truth in the same scale. */
  readonly noisy: Float32Array<ArrayBuffer>;
  readonly clean: Float32Array<ArrayBuffer>;
}

const model = await readPackage(resolve(values.model));
const network = startNetworkThread({ provider: "cpu", intraOpThreads: availableParallelism() }, "");
try {
  for (const text of values.stack) await tellStack(simulated(text));
  if (values.pairs !== undefined) await tellPairs(values.pairs);
} finally {
  await network.close();
}

async function tellStack(reading: Promise<Truth>): Promise<void> {
  const truth = await reading;
  console.log(`\n${truth.name}, ${model.name}; noisy ${psnr(truth.noisy, truth.clean).toFixed(2)} dB\n`);
  console.log(
    "| tile, shared | tiles | memory, estimated | computed per delivered | PSNR as is | step at borders z / y / x | Mvoxel/s in the network | delivered |",
  );
  console.log("|---|---|---:|---:|---:|---|---:|---:|");
  for (const text of values.tile) {
    const plan = planOf(text, truth.shape);
    const begin = performance.now();
    const result = await runInTiles({ ...truth, samples: truth.noisy }, plan, model, network);
    const seconds = (performance.now() - begin) / 1000;
    const error = result.map((value, i) => value - (truth.clean[i] ?? 0));
    const steps = [0, 1, 2].map((k) => stepAt(error, plan, k)).join(" / ");
    const rate = elementCount(truth.shape) / seconds / 1e6;
    const cells = [
      text,
      `${tileCount(plan)} of ${tileShapeOf(plan).join(" x ")}`,
      `${(memoryNeed(plan, { ...model, bytesPerSample: 2 }) / 1e9).toFixed(2)} GB`,
      redundancy(plan).toFixed(2),
      psnr(result, truth.clean).toFixed(2),
      steps,
      (rate * redundancy(plan)).toFixed(2),
      rate.toFixed(2),
    ];
    console.log(`| ${cells.join(" | ")} |`);
  }
}

/** The mean gain over all planes, and the least. */
async function tellPairs(dir: string): Promise<void> {
  console.log("\n| tile, shared | mean gain, after the fit | least | planes |\n|---|---:|---:|---:|");
  const planes: Truth[] = [];
  for await (const plane of realPlanes(dir)) planes.push(plane);
  for (const text of ["whole", ...values.tile]) {
    const gains: number[] = [];
    for (const truth of planes) {
      const [, height, width] = truth.shape;
      const plan =
        text === "whole"
          ? planOf(`1,${4 * Math.ceil(height / 4)},${4 * Math.ceil(width / 4)}/0,0`, truth.shape)
          : planOf(text, truth.shape);
      const result = await runInTiles({ ...truth, samples: truth.noisy }, plan, model, network);
      gains.push(
        psnr(fitted(result, truth.clean), truth.clean) - psnr(fitted(truth.noisy, truth.clean), truth.clean),
      );
    }
    const mean = gains.reduce((sum, gain) => sum + gain, 0) / gains.length;
    console.log(`| ${[text, mean.toFixed(2), Math.min(...gains).toFixed(2), gains.length].join(" | ")} |`);
  }
}

function planOf(text: string, stack: StackShape): TilePlan {
  const [tile = [], shared = []] = text.split("/").map((numbers) => numbers.split(",").map(Number));
  const [z = 1, y = 1, x = 1] = tile;
  const [depth = 0, plane = 0] = shared;
  const asked: TileShape = [z, y, x];
  const overlap: Overlap = [Math.min(depth, Math.min(z, stack[0]) - 1), plane, plane];
  return chooseTiles({
    stack,
    settings: model.settings,
    zoo: model.zoo,
    tile: asked,
    overlap,
    bytesPerSample: 2,
  });
}

function stepAt(error: Float32Array, plan: TilePlan, k: number): string {
  return (plan.axes[k]?.spans.length ?? 1) > 1 ? seamsAlong(error, plan, k).ratio.toFixed(2) : "";
}

async function simulated(text: string): Promise<Truth> {
  const [size = "", photons = "20"] = text.split("@");
  const scratch = mkdtempSync(join(tmpdir(), "tiles-"));
  try {
    const options = ["--shape", size, "--photons", photons, "--seed", "11", "--clean", "--out", scratch];
    spawnSync(process.execPath, [join(root, "bin/cnnt-edge.js"), "simulate", ...options], {
      stdio: "ignore",
    });
    const noisy = await readFirst(join(scratch, "simulated-0011.ome.tif"));
    const clean = await readFirst(join(scratch, "simulated-0011-clean.ome.tif"));
    return scaled(`simulated ${size}, ${photons} photons`, noisy, clean);
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

async function* realPlanes(dir: string): AsyncGenerator<Truth> {
  const names = readdirSync(dir, { recursive: true, encoding: "utf8" }).sort();
  for (const name of names.filter((each) => each.endsWith("-noisy.ome.tif"))) {
    const path = join(dir, name);
    const source = await openAcquisition(path);
    const { c: channels } = source.acquisition.sizes;
    await source.close();
    for (let c = 0; c < channels; c += 1) {
      const clean = await readFirst(path.replace("-noisy", "-clean"), c);
      yield scaled(`${name} ${c}`, await readFirst(path, c), clean);
    }
  }
}

async function readFirst(
  file: string,
  c = 0,
): Promise<{ shape: StackShape; samples: Float32Array<ArrayBuffer> }> {
  const source = await openAcquisition(file);
  const { z: depth, y, x } = source.acquisition.sizes;
  const samples = new Float32Array(depth * y * x);
  for (let z = 0; z < depth; z += 1) samples.set(await source.readPlane({ t: 0, c, z }), z * y * x);
  await source.close();
  return { shape: [depth, y, x], samples };
}

type Read = Awaited<ReturnType<typeof readFirst>>;

/** Both by the noisy image's percentiles, as the shipped package does. */
function scaled(name: string, noisy: Read, clean: Read): Truth {
  const quantile = quantilesOf(noisy.samples);
  const [low, high] = [quantile(0.015), quantile(0.995)];
  const scale = (value: number): number => (value - low) / (high - low);
  return { name, shape: noisy.shape, noisy: noisy.samples.map(scale), clean: clean.samples.map(scale) };
}

/** By the gain and offset that bring `image` nearest to `truth`. */
function fitted(image: Float32Array, truth: Float32Array): Float32Array {
  let [x, y, xx, xy] = [0, 0, 0, 0];
  for (const [i, value] of image.entries()) {
    const target = truth[i] ?? 0;
    x += value;
    y += target;
    xx += value * value;
    xy += value * target;
  }
  const count = image.length;
  const gain = (count * xy - x * y) / (count * xx - x * x);
  const offset = (y - gain * x) / count;
  return image.map((value) => gain * value + offset);
}

/** The range is that of the truth: 99.9th percentile less minimum. */
function psnr(image: Float32Array, truth: Float32Array): number {
  const quantile = quantilesOf(truth);
  const squares = image.reduce((sum, value, i) => sum + (value - (truth[i] ?? 0)) ** 2, 0);
  return 10 * Math.log10((quantile(0.999) - quantile(0)) ** 2 / (squares / image.length));
}
