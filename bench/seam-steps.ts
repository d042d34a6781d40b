// Is the result steeper where chunks of planes begin or end? One stack has a few such borders of one plane each, and their
// steepness scatters by 4 to 5 %; so here the same plan runs on many phantoms, as deep as chunks that share exactly so
// much cover, some fifty planes. Told is the mean over them of (border / elsewhere, tiled) / (border / elsewhere, untiled
// at the same places), with its standard error.
// usage: npm run bench:seam-steps -- [--model DIR] [--plane Y,X] [--seeds 16] [--plan PLANES/SHARED]...
import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { readPackage } from "../export/package/read-package.ts";
import { startNetworkThread } from "../runtime/engine/network-thread.ts";
import { fittedPlan } from "../runtime/plan/tile-plan.ts";
import { bordersOf, seamsAlong } from "./seams-measured.ts";
import { readPhantom, runInTiles } from "./stack-in-tiles.ts";

const { values } = parseArgs({
  options: {
    model: { type: "string", default: resolve(import.meta.dirname, "../models/default") },
    plane: { type: "string", default: "160,160" },
    seeds: { type: "string", default: "16" },
    plan: {
      type: "string",
      multiple: true,
      default: ["8/0", "8/2", "8/3", "8/4", "12/2", "12/3", "12/4", "16/2", "16/4", "24/2", "24/4", "24/6"],
    },
  },
});
/** From the first chunk's begin to the last one's, in planes, at most. */
const spread = 44;
const model = await readPackage(resolve(values.model));
const network = startNetworkThread({ provider: "cpu", intraOpThreads: availableParallelism() }, "");
console.log(`phantoms of so many planes of ${values.plane}, seeds 1 to ${values.seeds}, ${model.name}`);
console.log(
  "| chunk / shared | planes | borders in each | quotient, mean | standard error | least, most |\n|---|---:|---:|---:|---:|---|",
);
try {
  for (const text of values.plan) {
    const [chunk = 8, shared = 2] = text.split("/").map(Number);
    const step = chunk - shared;
    const planes = chunk + Math.floor(spread / step) * step;
    const { quotients, borders } = await measure(planes, chunk, shared);
    const mean = quotients.reduce((sum, value) => sum + value, 0) / quotients.length;
    const variance = quotients.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (quotients.length - 1);
    const error = Math.sqrt(variance / quotients.length).toFixed(4);
    const range = `${Math.min(...quotients).toFixed(3)}, ${Math.max(...quotients).toFixed(3)}`;
    console.log(`| ${[text, planes, borders, mean.toFixed(4), error, range].join(" | ")} |`);
  }
} finally {
  await network.close();
}

async function measure(
  planes: number,
  chunk: number,
  shared: number,
): Promise<{ quotients: number[]; borders: number }> {
  const quotients: number[] = [];
  let borders = 0;
  for (let seed = 1; seed <= Number(values.seeds); seed += 1) {
    const stack = await readPhantom(`${planes},${values.plane}`, { seed });
    const [, height, width] = stack.shape;
    const untiled = await runInTiles(stack, fittedPlan(stack.shape, stack.shape, [0, 0, 0]), model, network);
    const plan = fittedPlan(stack.shape, [chunk, height, width], [shared, 0, 0]);
    const tiled = await runInTiles(stack, plan, model, network);
    quotients.push(seamsAlong(tiled, plan, 0).ratio / seamsAlong(untiled, plan, 0).ratio);
    borders = bordersOf(plan.axes[0]).length;
  }
  return { quotients, borders };
}
