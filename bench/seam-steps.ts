// Is the result steeper where chunks of planes begin or end? One stack has a few such borders of one plane each, and their
// steepness scatters by 4 to 5 %; so here the same plans run on many phantoms. Told is the mean over them of
// (border / elsewhere, tiled) / (border / elsewhere, untiled at the same places), with its standard error.
// usage: npm run bench:seam-steps -- [--model DIR] [--phantom Z,Y,X] [--seeds 10] [--plan PLANES/OVERLAP]...
import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { readPackage } from "../export/package/read-package.ts";
import { startNetworkThread } from "../runtime/engine/network-thread.ts";
import { fittedPlan } from "../runtime/tile-plan.ts";
import { bordersOf, seamsAlong } from "./seams-measured.ts";
import { readPhantom, runInTiles } from "./stack-in-tiles.ts";

const { values } = parseArgs({
  options: {
    model: { type: "string", default: resolve(import.meta.dirname, "../models/default") },
    phantom: { type: "string", default: "46,160,160" },
    seeds: { type: "string", default: "10" },
    plan: { type: "string", multiple: true, default: ["8/0", "8/2", "12/2", "16/2", "24/2"] },
  },
});
const model = await readPackage(resolve(values.model));
const network = startNetworkThread({ provider: "cpu", intraOpThreads: availableParallelism() }, "");
const quotients = new Map<string, number[]>();
const borders = new Map<string, number>();
try {
  for (let seed = 1; seed <= Number(values.seeds); seed += 1) {
    const stack = await readPhantom(values.phantom, seed);
    const [, height, width] = stack.shape;
    const untiled = await runInTiles(stack, fittedPlan(stack.shape, stack.shape, [0, 0, 0]), model, network);
    for (const text of values.plan) {
      const [planes = 8, overlap = 2] = text.split("/").map(Number);
      const plan = fittedPlan(stack.shape, [planes, height, width], [overlap, 0, 0]);
      const tiled = await runInTiles(stack, plan, model, network);
      const quotient = seamsAlong(tiled, plan, 0).ratio / seamsAlong(untiled, plan, 0).ratio;
      quotients.set(text, [...(quotients.get(text) ?? []), quotient]);
      borders.set(text, bordersOf(plan.axes[0]).length);
    }
    console.error(`seed ${seed}: ${[...quotients.values()].map((all) => all.at(-1)?.toFixed(3)).join(", ")}`);
  }
} finally {
  await network.close();
}
console.log(`phantoms of ${values.phantom}, seeds 1 to ${values.seeds}, ${model.name}`);
console.log(
  "| planes / shared at least | borders in each | quotient, mean | standard error | least, most |\n|---|---:|---:|---:|---|",
);
for (const [text, all] of quotients) {
  const mean = all.reduce((sum, value) => sum + value, 0) / all.length;
  const variance = all.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (all.length - 1);
  const range = `${Math.min(...all).toFixed(3)}, ${Math.max(...all).toFixed(3)}`;
  const row = [text, borders.get(text), mean.toFixed(4), Math.sqrt(variance / all.length).toFixed(4), range];
  console.log(`| ${row.join(" | ")} |`);
}
