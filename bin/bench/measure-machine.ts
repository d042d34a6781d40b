import { cpus } from "node:os";
import { join } from "node:path";
import type { ModelPackage } from "../../core/package-settings.ts";
import { present } from "../../core/record.ts";
import { elementCount } from "../../core/tensor.ts";
import type { NetworkThread } from "../../runtime/engine/network-thread.ts";
import type { FreeMemory } from "../../runtime/plan/free-memory.ts";
import type { CommandIo } from "../command/command.ts";
import { measureArithmeticPeak, multiplyAdds } from "./arithmetic.ts";
import { measureBareTiles, measureDelivery } from "./measure-delivery.ts";

/** What `bench` is asked on its command line. */
export interface BenchOptions {
  readonly model: string;
  readonly input?: string;
  readonly size: [depth: number, height: number, width: number];
  readonly runs: number;
  readonly every: number;
  readonly provider: "cpu" | "cuda" | "tensorrt";
  readonly threads?: number;
  readonly scratch: string;
  readonly json?: string;
  readonly tune?: true;
}

interface Machine {
  readonly model: ModelPackage;
  readonly network: NetworkThread;
  readonly freeMemory: () => Promise<FreeMemory>;
  /** Results and graphs are written there. */
  readonly folder: string;
  readonly threads: number;
  readonly runtime: string;
}

export type BenchReport = NonNullable<Awaited<ReturnType<typeof measureMachine>>>;

/** What `bench` finds, of the median run; rates per second, times in seconds. `--json` prints it as it is. */
export async function measureMachine(input: string, machine: Machine, options: BenchOptions, io: CommandIo) {
  const { model, network, freeMemory, folder, threads, runtime } = machine;
  const output = join(folder, "result.ome.tif");
  const runs = [];
  for (let run = 0; run < options.runs; run += 1) {
    runs.push(await measureDelivery({ input, output }, model, network, freeMemory, io.signal));
    io.stderr.write(`run ${run + 1} of ${options.runs}: ${runs.at(-1)?.elapsedS.toFixed(2)} s\n`);
  }
  // Before anything else takes memory of its own.
  const peakMemoryBytes = process.resourceUsage().maxRSS * 1024;
  const sorted = runs.toSorted((a, b) => a.elapsedS - b.elapsedS);
  const median = sorted[Math.floor(sorted.length / 2)];
  if (median === undefined) return undefined;
  const { outcome, elapsedS, tiles } = median;
  const tileVoxels = elementCount(outcome.tile);
  const { architecture } = model.settings;
  const flops = architecture && 2 * multiplyAdds(architecture, outcome.tile) * tiles;
  const bareS = await measureBareTiles(median, model, network);
  const peak = await measureArithmeticPeak(network, folder);
  return {
    machine: cpus()[0]?.model.trim() ?? "unknown CPU",
    provider: options.provider,
    runtime,
    threads,
    model: `${model.name} ${model.version}`,
    input: options.input ?? `simulated ${options.size.join(" x ")} uint16`,
    voxels: outcome.voxels,
    tile: outcome.tile,
    overlap: outcome.overlap,
    tiles,
    /** Voxels computed for each one delivered. */
    redundancy: (tiles * tileVoxels) / outcome.voxels,
    elapsed_s: elapsedS,
    elapsed_s_of_runs: runs.map((run) => run.elapsedS),
    network_s: outcome.networkS,
    bare_s: bareS,
    delivered_voxels_per_s: outcome.voxels / elapsedS,
    network_voxels_per_s: (tiles * tileVoxels) / outcome.networkS,
    delivered_to_network: elapsedS / outcome.networkS,
    stages_s: median.stageS,
    busy_s: median.busyS,
    matrix_product_flops: peak.matrixProductFlops,
    /** Of a convolution with many channels. */
    convolution_flops: peak.convolutionFlops,
    /** Absent for networks whose arithmetic is not known. */
    ...present({ network_flops: flops && flops / outcome.networkS }),
    peak_memory_bytes: peakMemoryBytes,
    acquisition_interval_s: options.every,
    keeps_up: elapsedS <= options.every,
  };
}
