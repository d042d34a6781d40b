// What do tiles change? Runs stacks untiled and in tiles, and compares: tile size by overlap, on phantoms and on files.
// Differences are relative to p99.9 - p0.1 of the network's input. Seams: mean absolute gradient across the planes, rows
// and columns where a tile begins or ends, of its mean elsewhere on that axis; of the tiled result, of the untiled one
// at the same places (what the content does there by itself), and of the difference of both, where a line shows first.
// usage: npm run bench:seams -- [--model DIR] [--phantom Z,Y,X]... [--stack FILE[@Z,Y,X]]... [--out DIR]
//   FILE@Z,Y,X: only the middle of the file, of this size
import { mkdirSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { readPackage } from "../export/package/read-package.ts";
import { startNetworkThread } from "../runtime/engine/network-thread.ts";
import {
  type AxisPlan,
  fittedPlan,
  type Overlap,
  redundancy,
  type StackShape,
  type TilePlan,
  tileShapeOf,
} from "../runtime/plan/tile-plan.ts";
import { pictureSeams } from "./seam-picture.ts";
import { bordersOf, seamsAlong } from "./seams-measured.ts";
import { quantilesOf, readPhantom, readStack, runInTiles, type Stack } from "./stack-in-tiles.ts";

interface Case {
  readonly plan: TilePlan;
  /** The outermost elements of a tile that count for nothing where there is a neighbour. */
  readonly leftOut: Overlap;
}

const root = resolve(import.meta.dirname, "..");
const { values } = parseArgs({
  options: {
    model: { type: "string", default: join(root, "models/default") },
    phantom: { type: "string", multiple: true, default: [] },
    stack: { type: "string", multiple: true, default: [] },
    out: { type: "string", default: "seams" },
  },
});
const model = await readPackage(resolve(values.model));
const network = startNetworkThread({ provider: "cpu", intraOpThreads: availableParallelism() }, "");
mkdirSync(values.out, { recursive: true });

/** Chunks of whole planes and tiles of all planes by overlap; overlaps that give the same tiles are one case. */
function casesFor(shape: StackShape): Case[] {
  const [depth, height, width] = shape;
  const cases: Case[] = [];
  for (const planes of [8, 12, 16, 24].filter((planes) => planes < depth)) {
    for (const overlap of [0, 1, 2, 4]) {
      for (const left of overlap < 4 ? [0] : [0, 1]) {
        const plan = fittedPlan(shape, [planes, height, width], [overlap, 0, 0], [left, 0, 0]);
        cases.push({ plan, leftOut: [left, 0, 0] });
      }
    }
  }
  for (const side of [64, 128, 192].filter((side) => side < Math.max(height, width))) {
    for (const overlap of [16, 32, 64].filter((overlap) => overlap < side)) {
      for (const left of overlap < 32 ? [0] : [0, overlap / 4]) {
        const plan = fittedPlan(shape, [depth, side, side], [0, overlap, overlap], [0, left, left]);
        cases.push({ plan, leftOut: [0, left, left] });
      }
    }
  }
  const key = ({ plan, leftOut }: Case): string =>
    `${leftOut} ${plan.axes.map(({ tile, spans }) => [tile, spans.map(({ start }) => start)]).join(" ")}`;
  return [...new Map(cases.map((one) => [key(one), one])).values()];
}

/** The fewest elements that two neighbouring tiles share. */
function leastShared({ spans, tile }: AxisPlan): number {
  const steps = spans.slice(1).map(({ start }, k) => start - (spans[k]?.start ?? 0));
  return steps.length === 0 ? 0 : tile - Math.max(...steps);
}

/** Where in the stack exactly one tile counts: no weights of blending can change the result there. */
function alone({ axes: [depths, heights, widths] }: TilePlan): (index: number) => boolean {
  const [depth, height, width] = [depths, heights, widths].map(({ length, spans }) =>
    Array.from({ length }, (_, i) => spans.some(({ start, shares }) => shares[i - start] === 1)),
  );
  return (index) => {
    const [row, column] = [Math.floor(index / widths.length), index % widths.length];
    const plane = Math.floor(row / heights.length);
    return Boolean(depth?.[plane] && height?.[row % heights.length] && width?.[column]);
  };
}

async function measure(stack: Stack): Promise<void> {
  const quantile = quantilesOf(stack.samples);
  const range = quantile(0.999) - quantile(0.001);
  const untiled = await runInTiles(stack, fittedPlan(stack.shape, stack.shape, [0, 0, 0]), model, network);
  for (const { plan, leftOut } of casesFor(stack.shape)) {
    const tiled = await runInTiles(stack, plan, model, network);
    const difference = tiled.map((value, i) => (value - (untiled[i] ?? 0)) / range);
    const isAlone = alone(plan);
    let [worst, aloneLargest, squares] = [0, 0, 0];
    for (const [i, value] of difference.entries()) {
      squares += value * value;
      if (Math.abs(value) > Math.abs(difference[worst] ?? 0)) worst = i;
      if (Math.abs(value) > aloneLargest && isAlone(i)) aloneLargest = Math.abs(value);
    }
    const percent = (share: number): string => (100 * share).toFixed(2);
    const tile = tileShapeOf(plan).join(" x ");
    const shared = plan.axes.map(leastShared);
    const seams = plan.axes.flatMap((axis, k) => {
      if (axis.spans.length === 1) return [];
      const [ours, content] = [seamsAlong(tiled, plan, k), seamsAlong(untiled, plan, k)];
      const line = seamsAlong(difference, plan, k);
      const spread = line.elsewhere.map((ratio) => ratio.toFixed(2)).join(" to ");
      return [
        `| ${"zyx"[k]} | ${ours.ratio.toFixed(3)} | ${content.ratio.toFixed(3)} | ${(ours.ratio / content.ratio).toFixed(3)}` +
          ` | ${line.ratio.toFixed(2)} (${spread}) |`,
      ];
    });
    const name = `${stack.name} ${stack.shape.join(" x ")}`;
    const cells = [name, tile, shared, leftOut, redundancy(plan).toFixed(2)];
    const sizes = [percent(Math.abs(difference[worst] ?? 0)), percent(aloneLargest)];
    const rms = percent(Math.sqrt(squares / difference.length));
    for (const seam of seams) console.log(`| ${[...cells, ...sizes, rms].join(" | ")} ${seam}`);
    await pictureSeams(
      join(
        values.out,
        `${name}, ${tile}, ${shared}, ${leftOut}.png`.replaceAll(" x ", "x").replaceAll(", ", "-"),
      ),
      { untiled, tiled, difference, worst, borders: plan.axes.map(bordersOf), shape: stack.shape },
      [quantilesOf(untiled)(0.001), quantilesOf(untiled)(0.999)],
    );
  }
}

try {
  console.log(`${cpus()[0]?.model ?? "unknown CPU"}, ${availableParallelism()} cores, ${model.name}`);
  console.log(
    "| stack | tile | shared | left out | computed per delivered | largest % | where one tile is alone % | RMS % |" +
      " axis | border / elsewhere, tiled | untiled | quotient | of the difference (95 % elsewhere) |",
  );
  console.log("|---|---|---|---|---:|---:|---:|---:|---|---:|---:|---:|---|");
  const phantoms = values.phantom.length + values.stack.length > 0 ? values.phantom : ["24,192,192"];
  for (const shape of phantoms) await measure(await readPhantom(shape));
  for (const file of values.stack) await measure(await readStack(file));
} finally {
  await network.close();
}
