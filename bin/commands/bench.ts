import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Option } from "commander";
import type { ModelPackage } from "../../core/package-settings.ts";
import type { NetworkThread } from "../../runtime/engine/network-thread.ts";
import type { FreeMemory } from "../../runtime/plan/free-memory.ts";
import type { BenchOptions } from "../bench/measure-machine.ts";
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
  const { measureMachine } = await import("../bench/measure-machine.ts");
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
    const input = options.input ?? (await simulated(options.size, folder, io));
    const machine = { model, network, freeMemory, folder, threads, runtime };
    const report = await measureMachine(input, machine, options, io);
    if (report === undefined) return exitCodes.failed;
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
