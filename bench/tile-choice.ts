// Which tiles a package should state: for stacks with known truth, what each tile and overlap gives. A simulated stack is
// judged by PSNR as is; planes of real pairs after a fit of gain and offset, since most pairs differ in brightness.
// usage: npm run bench:tiles -- [--model DIR] [--stack Z,Y,X@PHOTONS]... [--pairs DIR] [--tile Z,Y,X/SHARED_Z,SHARED_YX]...
import { readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { agreementSums } from "../calibration/metrics/agreement.ts";
import { psnrOf } from "../calibration/metrics/mean-squared-error.ts";
import { elementCount } from "../core/tensor.ts";
import { readPackage } from "../export/package/read-package.ts";
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
import { quantilesOf, readPair, readPhantom, runInTiles, type StackWithTruth } from "./stack-in-tiles.ts";

const root = resolve(import.meta.dirname, "..");
const { values } = parseArgs({
  options: {
    model: { type: "string", default: join(root, "models/default") },
    stack: { type: "string", multiple: true, default: ["30,512,512@20"] },
    pairs: { type: "string" },
    tile: {
      type: "string",
      multiple: true,
      default: [
        "8,64,64/2,8",
        "16,96,96/2,8",
        "16,136,136/2,8",
        "16,176,176/2,8",
        "16,184,184/2,16",
        "11,272,272/1,32",
      ],
    },
  },
});

const model = await readPackage(resolve(values.model));
const network = startNetworkThread({ provider: "cpu", intraOpThreads: availableParallelism() }, "");
try {
  for (const text of values.stack) await tellStack(text);
  if (values.pairs !== undefined) await tellPairs(values.pairs);
} finally {
  await network.close();
}

/** `described`: Z,Y,X@PHOTONS. */
async function tellStack(described: string): Promise<void> {
  const [size = "", photons = "20"] = described.split("@");
  const stack = await readPhantom(size, { photons });
  const noisy = psnr(stack.samples, stack.clean).asIs.toFixed(2);
  console.log(`\nsimulated ${size}, ${photons} photons, ${model.name}; noisy ${noisy} dB\n`);
  console.log(
    "| tile, shared | tiles | memory, estimated | computed per delivered | PSNR as is | step at borders z / y / x | Mvoxel/s in the network | delivered |",
  );
  console.log("|---|---|---:|---:|---:|---|---:|---:|");
  for (const text of values.tile) {
    const plan = planOf(text, stack.shape);
    const begin = performance.now();
    const result = await runInTiles(stack, plan, model, network);
    const seconds = (performance.now() - begin) / 1000;
    const error = result.map((value, i) => value - (stack.clean[i] ?? 0));
    const steps = [0, 1, 2].map((k) => stepAt(error, plan, k)).join(" / ");
    const rate = elementCount(stack.shape) / seconds / 1e6;
    const cells = [
      text,
      `${tileCount(plan)} of ${tileShapeOf(plan).join(" x ")}`,
      `${(memoryNeed(plan, { ...model, bytesPerSample: 2 }) / 1e9).toFixed(2)} GB`,
      redundancy(plan).toFixed(2),
      psnr(result, stack.clean).asIs.toFixed(2),
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
  const planes: StackWithTruth[] = [];
  const names = readdirSync(dir, { recursive: true, encoding: "utf8" }).sort();
  for (const noisy of names.filter((each) => each.endsWith("-noisy.ome.tif"))) {
    const pair = [join(dir, noisy), join(dir, noisy.replace("-noisy", "-clean"))] as const;
    for await (const plane of readPair(...pair)) planes.push(plane);
  }
  for (const text of ["whole", ...values.tile]) {
    const gains: number[] = [];
    for (const stack of planes) {
      const [, height, width] = stack.shape;
      const plan =
        text === "whole"
          ? planOf(`1,${4 * Math.ceil(height / 4)},${4 * Math.ceil(width / 4)}/0,0`, stack.shape)
          : planOf(text, stack.shape);
      const result = await runInTiles(stack, plan, model, network);
      gains.push(psnr(result, stack.clean).fitted - psnr(stack.samples, stack.clean).fitted);
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

/** Of `image` against `truth`, in dB, as is and by the gain and offset that bring it nearest; the range is that of the truth: 99.9th percentile less minimum. */
function psnr(image: Float32Array, truth: Float32Array): { readonly asIs: number; readonly fitted: number } {
  const agreement = agreementSums();
  agreement.add(image, truth);
  const { meanSquaredError, fittedMeanSquaredError } = agreement.measure();
  const quantile = quantilesOf(truth);
  const range = quantile(0.999) - quantile(0);
  return { asIs: psnrOf(meanSquaredError, range), fitted: psnrOf(fittedMeanSquaredError, range) };
}
