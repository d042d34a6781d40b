// What is computed for what is delivered: a package's plans, without and with a memory limit, beside the published defaults.
// usage: npm run bench:plans [-- MODEL]
import { join, resolve } from "node:path";
import { readPackage } from "../export/package/read-package.ts";
import { chooseTiles } from "../runtime/plan/choose-tile.ts";
import { memoryNeed } from "../runtime/plan/memory-need.ts";
import {
  overlapOf,
  publishedPlan,
  redundancy,
  type StackShape,
  tileCount,
  tileShapeOf,
} from "../runtime/plan/tile-plan.ts";

const stacks: readonly StackShape[] = [
  [100, 1200, 1200],
  [30, 512, 512],
  [24, 300, 300],
  [10, 128, 128],
];
const limitsGb = [undefined, 0.75, 0.5];

const { settings } = await readPackage(
  resolve(process.argv[2] ?? join(import.meta.dirname, "../models/default")),
);
console.log(
  "| stack | limit | tiles | overlap | need, estimated | computed per delivered | published defaults |",
);
console.log("|---|---:|---|---|---:|---:|---:|");
for (const stack of stacks) {
  const published = redundancy(publishedPlan(stack, [24, 256, 256], [4, 64, 64]));
  for (const limitGb of limitsGb) {
    const wishes = { stack, settings, bytesPerSample: 2, memoryLimitBytes: limitGb && limitGb * 1e9 };
    const plan = chooseTiles(wishes);
    const cells = [
      stack.join(" x "),
      limitGb === undefined ? "none" : `${limitGb} GB`,
      `${tileCount(plan)} of ${tileShapeOf(plan).join(" x ")}`,
      overlapOf(plan).join(", "),
      `${(memoryNeed(plan, wishes) / 1e9).toFixed(2)} GB`,
      redundancy(plan).toFixed(2),
      published.toFixed(2),
    ];
    console.log(`| ${cells.join(" | ")} |`);
  }
}
