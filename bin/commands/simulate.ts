import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { InvalidArgumentError, Option } from "commander";
import type { Simulation } from "../../calibration/simulation/simulated-source.ts";
import type { Sizes } from "../../core/acquisition.ts";
import { type CommandIo, type DefineCommand, exitCodes } from "../command.ts";
import { notNegative, positive, positiveInteger } from "../option-values.ts";
import { makeResultsFolder } from "../results-folder.ts";

interface SimulateOptions {
  readonly out: string;
  readonly shape: Sizes;
  readonly scene?: NonNullable<Simulation["scene"]>;
  readonly photons: number;
  readonly readNoise: number;
  readonly gain?: number;
  readonly offset?: number;
  readonly dtype: Simulation["sampleType"];
  readonly compression: "none" | "deflate" | "zstd";
  readonly count: number;
  readonly interval: number;
  readonly seed: number;
  readonly clean?: true;
  readonly overwrite?: true;
}

export const defineSimulate: DefineCommand = (program, io, act) => {
  program
    .command("simulate")
    .description("Plays a microscope: writes noisy fluorescence stacks as OME-TIFF, and prints their names.")
    .requiredOption("--out <dir>", "folder for the files; it is made if it is missing")
    .option("--shape <sizes>", "Z,Y,X or T,C,Z,Y,X", sizesFrom, { t: 1, c: 1, z: 16, y: 512, x: 512 })
    .addOption(
      new Option(
        "--scene <name>",
        "what glows (default: a mixture, or another structure in each channel)",
      ).choices(["mixed", "filaments", "nuclei", "membranes", "puncta", "ramp"]),
    )
    .option("--photons <n>", "photons per pixel at the bright end (99.9th percentile)", positive, 20)
    .option("--read-noise <n>", "standard deviation of the reading, in photons", notNegative, 1.6)
    .option(
      "--gain <n>",
      "grey values per photon (default: 2; for uint8 less where it would not fit)",
      positive,
    )
    .option("--offset <n>", "grey value without light (default: 100; 10 for uint8)", notNegative)
    .addOption(
      new Option("--dtype <type>", "type of the samples")
        .choices(["uint8", "uint16", "float32"])
        .default("uint16"),
    )
    .addOption(
      new Option("--compression <name>", "of the files").choices(["none", "deflate", "zstd"]).default("none"),
    )
    .option("--count <n>", "how many acquisitions", positiveInteger, 1)
    .option("--interval <seconds>", "from the start of one acquisition to the next", notNegative, 0)
    .option("--seed <n>", "same seed, same pixels; each further acquisition takes the next", seedFrom, 1)
    .option("--clean", "write the truth without noise too, as NAME-clean.ome.tif, float32")
    .option("--overwrite", "replace files of the same name")
    .addHelpText(
      "after",
      "\nThe scene `ramp` has no noise: a pattern at the speed of the disk, for very large files.",
    )
    .action((options: SimulateOptions) => act(() => simulateFiles(options, io)));
};

async function simulateFiles(options: SimulateOptions, io: CommandIo): Promise<number> {
  const { simulate } = await import("../../calibration/simulation/simulated-source.ts");
  const { writeSimulation } = await import("../../calibration/simulation/write-simulation.ts");
  const { removeStalePartials } = await import("../../formats/partial-name.ts");
  await makeResultsFolder(options.out);
  await removeStalePartials(options.out);

  const started = Date.now();
  for (let index = 0; index < options.count; index += 1) {
    const wait = started + index * options.interval * 1000 - Date.now();
    if (wait > 0) await delay(wait, undefined, { signal: io.signal });
    const simulation = simulationOf(options, options.seed + index);
    const name = `simulated-${String(simulation.seed).padStart(4, "0")}`;
    const noisy = join(options.out, `${name}.ome.tif`);
    const clean = join(options.out, `${name}-clean.ome.tif`);
    await writeSimulation(simulation, simulate(simulation), options.clean ? { noisy, clean } : { noisy }, {
      compression: options.compression,
      overwrite: options.overwrite ?? false,
      signal: io.signal,
    });
    io.stdout.write(`${noisy}\n`);
    if (options.clean) io.stdout.write(`${clean}\n`);
  }
  return exitCodes.done;
}

function simulationOf(options: SimulateOptions, seed: number): Simulation {
  const narrow = options.dtype === "uint8";
  // The brightest pixels are about half as bright again as the bright end, and have noise above that.
  const fitting = narrow ? Math.min(2, 120 / options.photons) : 2;
  return {
    sizes: options.shape,
    ...(options.scene === undefined ? {} : { scene: options.scene }),
    photons: options.photons,
    camera: {
      gain: options.gain ?? fitting,
      offset: options.offset ?? (narrow ? 10 : 100),
      readNoise: options.readNoise,
    },
    sampleType: options.dtype,
    seed,
  };
}

/** Planes beyond this many pixels do not fit in one array of floats here. */
const maxPlanePixels = 2 ** 28;
const maxPlanes = 2 ** 24;

function sizesFrom(text: string): Sizes {
  const numbers = text.split(",").map(Number);
  const all = numbers.length === 3 ? [1, 1, ...numbers] : numbers;
  const [t, c, z, y, x] = all;
  if (
    t === undefined ||
    c === undefined ||
    z === undefined ||
    y === undefined ||
    x === undefined ||
    all.length !== 5 ||
    all.some((size) => !Number.isSafeInteger(size) || size < 1)
  ) {
    throw new InvalidArgumentError("Three or five whole numbers, for example 16,512,512 or 10,2,16,512,512.");
  }
  if (y * x > maxPlanePixels) throw new InvalidArgumentError(`At most ${maxPlanePixels} pixels a plane.`);
  if (t * c * z > maxPlanes) throw new InvalidArgumentError(`At most ${maxPlanes} planes.`);
  return { t, c, z, y, x };
}

function seedFrom(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isInteger(value) || value < 0 || value > 2 ** 31 - 1) {
    throw new InvalidArgumentError("A whole number from 0 to 2147483647.");
  }
  return value;
}
