import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { availableParallelism, cpus, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Option } from "commander";
import type { ModelPackage } from "../../core/package-settings.ts";
import { elementCount } from "../../core/tensor.ts";
import type { NetworkThread } from "../../runtime/engine/network-thread.ts";
import type { FreeMemory } from "../../runtime/plan/free-memory.ts";
import { type CommandIo, type DefineCommand, exitCodes } from "../command/command.ts";
import { makeResultsFolder, refuseTogether } from "../given/refusals.ts";
import {
  type Box,
  boxOf,
  modelOption,
  oneOf,
  positive,
  positiveInteger,
  shippedModel,
} from "../options/option-values.ts";
import type { BenchReport } from "../words/report.ts";

interface BenchOptions {
  readonly model: string;
  readonly input?: string;
  readonly size: Box;
  readonly runs: number;
  readonly every: number;
  readonly provider: "cpu" | "cuda" | "tensorrt";
  readonly threads?: number;
  readonly scratch: string;
  readonly json?: string;
  readonly tune?: true;
}

export const defineBench: DefineCommand = (program, io, act) => {
  program
    .command("bench")
    .summary("how fast is this machine, and where does the time go")
    .description(
      "Denoises one stack several times as the daemon would, and says how many voxels a second are delivered, where " +
        "the time goes, how near the network comes to what the cores can do, and whether that keeps up with the " +
        "microscope. The table is markdown.",
    )
    .addOption(modelOption("model folder"))
    .option("--input <file>", "an acquisition of yours (default: a simulated one)")
    .addOption(
      new Option("--size <z,y,x>", "size of the simulated stack")
        .argParser(boxOf(1))
        .default([30, 512, 512] satisfies Box, "30,512,512"),
    )
    .option("--runs <n>", "number of runs; the median is printed", positiveInteger, 3)
    .option("--every <seconds>", "how often the microscope writes such a stack", positive, 40)
    .addOption(oneOf("--provider <name>", "use this provider", ["cpu", "cuda", "tensorrt"], "cpu"))
    .option("--threads <n>", "threads of the CPU provider (default: all)", positiveInteger)
    .option("--scratch <dir>", "where the stack and the results are written", tmpdir())
    .option("--json <file>", "the figures as JSON, in a file")
    .option(
      "--tune",
      "find the fastest tiles of this model for such a stack on this machine, and say how to configure them",
    )
    .action((options: BenchOptions) => act(() => bench(options, io)));
};

async function bench(options: BenchOptions, io: CommandIo): Promise<number> {
  const { measureBareTiles, measureDelivery } = await import("../bench/measure-delivery.ts");
  const { measureArithmeticPeak, multiplyAdds } = await import("../bench/arithmetic.ts");
  const { reportTable } = await import("../words/report.ts");
  const { lookAtImage } = await import("../given/given-acquisitions.ts");
  const { watchFreeMemory } = await import("../../runtime/plan/free-memory.ts");
  const { readModel } = await import("../../runtime/engine/prepared-engine.ts");
  const { startNetworkThread } = await import("../../runtime/engine/network-thread.ts");
  const { warmUp } = await import("../../runtime/engine/warm-up.ts");
  const { onnxRuntimeVersion } = await import("../../runtime/machine/product-version.ts");

  const { input: given, json } = options;
  const [model] = await refuseTogether(
    [
      () => readModel(options.model, options.provider),
      ...(given === undefined ? [] : [() => lookAtImage(given, io.signal)]),
      () => makeResultsFolder(options.scratch, "--scratch"),
      ...(json === undefined ? [] : [() => makeResultsFolder(dirname(json), "--json")]),
    ],
    io,
  );
  const threads = options.threads ?? availableParallelism();
  const runtime = onnxRuntimeVersion();
  const freeMemory = await watchFreeMemory(options.provider);
  const folder = await mkdtemp(join(options.scratch, "cnnt-edge-bench-"));
  const network = startNetworkThread({ provider: options.provider, intraOpThreads: threads }, runtime);
  try {
    await warmUp(network, [model]);
    if (options.tune) return await tuneTiles(model, network, { ...options, free: await freeMemory() }, io);
    const input = options.input === undefined ? await simulated(options.size, folder, io) : options.input;
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
    if (median === undefined) return exitCodes.failed;
    const { outcome, elapsedS, tiles } = median;
    const tileVoxels = elementCount(outcome.tile);
    const { architecture } = model.settings;
    const flops =
      architecture === undefined ? undefined : 2 * multiplyAdds(architecture, outcome.tile) * tiles;
    const bareS = await measureBareTiles(median, model, network);
    const peak = await measureArithmeticPeak(network, folder);
    const report: BenchReport = {
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
      convolution_flops: peak.convolutionFlops,
      ...(flops === undefined ? {} : { network_flops: flops / outcome.networkS }),
      peak_memory_bytes: peakMemoryBytes,
      acquisition_interval_s: options.every,
      keeps_up: elapsedS <= options.every,
    };
    io.stdout.write(reportTable(report, commandLine(options)));
    if (options.json !== undefined) await writeFile(options.json, `${JSON.stringify(report, null, 2)}\n`);
    return exitCodes.done;
  } finally {
    await network.close();
    await rm(folder, { recursive: true });
  }
}

/** Larger tiles are not tried where a device does not tell what it has. */
const smallDeviceBytes = 4e9;

async function tuneTiles(
  model: ModelPackage,
  network: NetworkThread,
  { size, provider, free }: Pick<BenchOptions, "size" | "provider"> & { free: FreeMemory },
  io: CommandIo,
): Promise<number> {
  const { tune } = await import("../../runtime/tuning/tune.ts");
  const deviceBytes = provider === "cpu" ? free.machineBytes : (free.deviceBytes ?? smallDeviceBytes);
  io.stdout.write(`| tile | Mvoxel/s through the network | delivered |\n|---|---:|---:|\n`);
  const millions = (rate: number): string => (rate / 1e6).toPrecision(3);
  const [first] = await tune({
    model,
    network,
    stack: size,
    availableBytes: Math.min(free.machineBytes, deviceBytes),
    signal: io.signal,
    onTile: ({ tile, voxelsPerS, deliveredPerS }) =>
      void io.stdout.write(
        `| ${tile.join(" x ")} | ${millions(voxelsPerS)} | ${millions(deliveredPerS)} |\n`,
      ),
  });
  if (first === undefined) return exitCodes.failed;
  const [z, y, x] = first.tile;
  io.stdout.write(
    `\nFor stacks of ${size.join(" x ")}, tiles of ${z} x ${y} x ${x} are the fastest of these. A tile's size changes the result. ` +
      `In the configuration of a folder:\n\n    tile: [${z}, ${y}, ${x}]\n\nOn the command line: --tile ${z},${y},${x}\n`,
  );
  return exitCodes.done;
}

/** A noisy uint16 stack on the disk, as a microscope would leave it. */
async function simulated([z, y, x]: Box, folder: string, io: CommandIo): Promise<string> {
  const { simulate } = await import("../../calibration/simulation/simulated-source.ts");
  const { writeSimulation } = await import("../../calibration/simulation/write-simulation.ts");
  const simulation = {
    sizes: { t: 1, c: 1, z, y, x },
    photons: 20,
    camera: { gain: 2, offset: 100, readNoise: 2 },
    sampleType: "uint16",
    seed: 1,
  } as const;
  const noisy = join(folder, "simulated.ome.tif");
  const writing = { compression: "none", overwrite: false, signal: io.signal } as const;
  await writeSimulation(simulation, simulate(simulation), { noisy }, writing);
  return noisy;
}

function commandLine({ input, size, runs, model }: BenchOptions): string {
  const what = input === undefined ? `--size ${size.join(",")}` : "--input FILE";
  return `cnnt-edge bench ${what} --runs ${runs}${model === shippedModel ? "" : ` --model ${model}`}`;
}
