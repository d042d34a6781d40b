// How fast the network is by tile, all tiles in turns in one run, since a machine's speed drifts; and what a stack gets of
// the best of these rates with the package's tiles, whose overlaps are computed more than once.
// usage: npm run bench:tile-rates -- [--model DIR] [--stack Z,Y,X] [--rounds 7] [--tile Z,Y,X]...
import { availableParallelism, cpus } from "node:os";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { median } from "../core/median.ts";
import { elementCount } from "../core/tensor.ts";
import { readPackage } from "../export/package/read-package.ts";
import { startNetworkThread } from "../runtime/engine/network-thread.ts";
import { makeTileBuffers, type TileShape } from "../runtime/job/network.ts";
import { chooseTiles } from "../runtime/plan/choose-tile.ts";
import { redundancy, type StackShape, tileShapeOf } from "../runtime/plan/tile-plan.ts";

const { values } = parseArgs({
  options: {
    model: { type: "string", default: resolve(import.meta.dirname, "..", "models/default") },
    stack: { type: "string", default: "30,512,512" },
    rounds: { type: "string", default: "7" },
    tile: { type: "string", multiple: true, default: ["8,64,64", "8,128,128", "16,96,96", "16,136,136"] },
  },
});
const numbers = (text: string): StackShape => {
  const [z = 1, y = 1, x = 1] = text.split(",").map(Number);
  return [z, y, x];
};

const model = await readPackage(resolve(values.model));
const { settings, zoo } = model;
const stack = numbers(values.stack);
const plan = chooseTiles({ stack, settings, zoo, bytesPerSample: 2 });
const planned = tileShapeOf(plan);
/** Each turn computes at least so much, so that small tiles are measured as long as large ones. */
const voxelsInTurn = elementCount(planned);

const tiles: TileShape[] = [...values.tile.map(numbers), planned];
const buffers = tiles.map(makeTileBuffers);
const rates: number[][] = tiles.map(() => []);
const network = startNetworkThread({ provider: "cpu", intraOpThreads: availableParallelism() }, "");
try {
  // The first round is for nothing: memory is touched for the first time.
  for (let round = 0; round <= Number(values.rounds); round += 1) {
    for (const [i, tile] of tiles.entries()) {
      const tensors = buffers[i];
      if (tensors === undefined) continue;
      const times = Math.ceil(voxelsInTurn / elementCount(tile));
      let seconds = 0;
      for (let time = 0; time < times; time += 1) seconds += await network.run(model, tile, tensors);
      if (round > 0) rates[i]?.push((times * elementCount(tile)) / seconds / 1e6);
    }
  }
} finally {
  await network.close();
}

const medians = rates.map(median);
const best = Math.max(...medians);
const delivered = (medians.at(-1) ?? 0) / redundancy(plan);
console.log(
  `${cpus()[0]?.model}, ${availableParallelism()} threads, ${model.name}, ${values.rounds} rounds\n`,
);
console.log("| tile | Mvoxel/s through the network, median | least to most |\n|---|---:|---|");
for (const [i, tile] of tiles.entries()) {
  const sorted = [...(rates[i] ?? [])].sort((a, b) => a - b).map((rate) => rate.toFixed(3));
  console.log(`| ${tile.join(" x ")} | ${medians[i]?.toFixed(3)} | ${sorted.at(0)} to ${sorted.at(-1)} |`);
}
console.log(
  `\n${stack.join(" x ")} in tiles of ${planned.join(" x ")}: ${redundancy(plan).toFixed(2)} voxels computed for each delivered, ` +
    `${delivered.toFixed(3)} Mvoxel/s delivered by the network: ${(delivered / best).toFixed(2)} of the best rate`,
);
