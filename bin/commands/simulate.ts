import { readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { InvalidArgumentError, Option } from "commander";
import type { Field } from "../../calibration/simulation/simulated-source.ts";
import { repeatOf, type Simulation } from "../../calibration/simulation/simulation.ts";
import { margin } from "../../calibration/simulation/structures.ts";
import type { Sizes } from "../../core/acquisition.ts";
import { usageError, visible } from "../../core/errors.ts";
import { present } from "../../core/record.ts";
import { type CommandIo, type DefineCommand, exitCodes } from "../command/command.ts";
import { makeResultsFolder } from "../given/refusals.ts";
import {
  compressionOption,
  notNegative,
  oneOf,
  positive,
  positiveInteger,
} from "../options/option-values.ts";

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
  readonly repeats?: number;
  readonly bleaching: number;
  readonly drift: number;
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
    .addOption(
      new Option("--shape <sizes>", "Z,Y,X or T,C,Z,Y,X")
        .argParser(sizesFrom)
        .default({ t: 1, c: 1, z: 16, y: 512, x: 512 }, "16,512,512"),
    )
    .addOption(
      oneOf("--scene <name>", "what glows (default: a mixture, or another structure in each channel)", [
        "mixed",
        "filaments",
        "nuclei",
        "membranes",
        "puncta",
        "ramp",
      ]),
    )
    .option("--photons <n>", "photons per pixel at the bright end (99.9th percentile)", positive, 20)
    .option("--read-noise <n>", "standard deviation of the reading, in photons", notNegative, 1.6)
    .option(
      "--gain <n>",
      "grey values per photon (default: 2; for uint8 less where it would not fit)",
      positive,
    )
    .option("--offset <n>", "grey value without light (default: 100; 10 for uint8)", notNegative)
    .addOption(oneOf("--dtype <type>", "type of the samples", ["uint8", "uint16", "float32"], "uint16"))
    .addOption(compressionOption("of the files"))
    .option("--count <n>", "how many acquisitions, each of another field", positiveInteger, 1)
    .addOption(
      new Option(
        "--repeats <n>",
        "record one field so many times, into OUT/repeats: what calibrate takes; the truth of --clean goes to " +
          "OUT/truth.ome.tif, or to the folder OUT/truth where bleaching or drift give each repeat its own",
      )
        .argParser(positiveInteger)
        .conflicts("count"),
    )
    .addOption(
      new Option(
        "--bleaching <share>",
        "share of the light that is lost from one repeat to the next, for example 2%",
      )
        .argParser(percentage)
        .default(0, "none"),
    )
    .option(
      "--drift <pixels>",
      "the field moves by so many pixels from one repeat to the next; the seed sets the direction",
      notNegative,
      0,
    )
    .option("--interval <seconds>", "from the start of one acquisition to the next", notNegative, 0)
    .option("--seed <n>", "same seed, same pixels; each further field takes the next", seedFrom, 1)
    .option("--clean", "write the truth without noise too, as NAME-clean.ome.tif, float32")
    .option("--overwrite", "replace files of the same name")
    .addHelpText(
      "after",
      "\nThe scene `ramp` has no noise: a pattern at the speed of the disk, for very large files.",
    )
    .action((options: SimulateOptions) => act(() => simulateFiles(options, io)));
};

async function simulateFiles(options: SimulateOptions, io: CommandIo): Promise<number> {
  const { fieldOf, simulate } = await import("../../calibration/simulation/simulated-source.ts");
  const { writeSimulation } = await import("../../calibration/simulation/write-simulation.ts");
  const { removeStalePartials } = await import("../../formats/file/partial-name.ts");
  const pictures = options.repeats === undefined ? fieldsOf(options) : repeatsOf(options.repeats, options);
  const folders = new Set(
    pictures.flatMap(({ noisy, clean }) => [noisy, clean ?? noisy]).map((file) => dirname(file)),
  );
  if (options.repeats !== undefined) await refuseOtherRepeats(pictures);
  for (const folder of folders) {
    await makeResultsFolder(folder);
    await removeStalePartials(folder);
  }

  let field: Field | undefined;
  const started = Date.now();
  for (const [index, { simulation, ...files }] of pictures.entries()) {
    const wait = started + index * options.interval * 1000 - Date.now();
    if (wait > 0) await delay(wait, undefined, { signal: io.signal });
    if (field === undefined || options.repeats === undefined) field = fieldOf(simulation);
    const pair = simulate(simulation, field);
    await writeSimulation(simulation, pair, files, {
      compression: options.compression,
      overwrite: options.overwrite ?? false,
      signal: io.signal,
    });
    for (const file of [files.noisy, files.clean]) if (file !== undefined) io.stdout.write(`${file}\n`);
  }
  if (options.repeats !== undefined) {
    const folder = visible(join(options.out, "repeats"));
    io.stderr.write(`${options.repeats} repeats of one field: cnnt-edge calibrate ${folder}\n`);
  }
  return exitCodes.done;
}

/** One acquisition to be made, and the files that it goes to. */
interface Picture {
  readonly simulation: Simulation;
  readonly noisy: string;
  readonly clean?: string;
}

function fieldsOf(options: SimulateOptions): Picture[] {
  if (options.bleaching !== 0 || options.drift !== 0) {
    throw usageError("--bleaching and --drift need repeats of one field", {
      code: "simulate-repeats",
      remedy: "Give their number with --repeats",
    });
  }
  return Array.from({ length: options.count }, (_, index) => {
    const simulation = simulationOf(options, options.seed + index);
    const stem = join(options.out, `simulated-${String(simulation.seed).padStart(4, "0")}`);
    const clean = options.clean ? { clean: `${stem}-clean.ome.tif` } : {};
    return { simulation, noisy: `${stem}.ome.tif`, ...clean };
  });
}

function repeatsOf(count: number, options: SimulateOptions): Picture[] {
  refuseUselessRepeats(count, options);
  const { seed, bleaching, drift: driftPx } = options;
  const same = bleaching === 0 && driftPx === 0;
  return Array.from({ length: count }, (_, index) => {
    const simulation = {
      ...simulationOf(options, seed),
      repeat: repeatOf(index, { bleaching, driftPx, seed }),
    };
    const name = `scan-${String(index + 1).padStart(3, "0")}.ome.tif`;
    const noisy = join(options.out, "repeats", name);
    if (options.clean === undefined || (same && index > 0)) return { simulation, noisy };
    return { simulation, noisy, clean: join(options.out, same ? "truth.ome.tif" : join("truth", name)) };
  });
}

function refuseUselessRepeats(count: number, { shape, scene, drift }: SimulateOptions): void {
  if (shape.t > 1) {
    throw usageError("a repeat is one stack, and the shape has a time axis", {
      code: "simulate-repeats",
      found: `${shape.t} time points`,
      remedy: "Give --shape as Z,Y,X, or as 1,C,Z,Y,X",
    });
  }
  if (scene === "ramp") {
    throw usageError("the ramp has no noise, so its repeats would be equal", {
      code: "simulate-repeats",
      remedy: "Choose another --scene",
    });
  }
  if ((count - 1) * drift > margin) {
    throw usageError("the field would drift out of the picture", {
      code: "simulate-repeats",
      found: `${(count - 1) * drift} pixels over all repeats`,
      allowed: `at most ${margin}`,
      remedy: "Give a smaller --drift, or fewer --repeats",
    });
  }
}

/** What else lies among the repeats, calibrate would take for one of them. */
async function refuseOtherRepeats(pictures: readonly Picture[]): Promise<void> {
  const [first] = pictures;
  if (first === undefined) return;
  const folder = dirname(first.noisy);
  const ours = new Set(pictures.map(({ noisy }) => noisy));
  const present = await readdir(folder).catch(() => []);
  const other = present.find((name) => !name.startsWith(".") && !ours.has(join(folder, name)));
  if (other === undefined) return;
  throw usageError("the folder holds files that are not part of these repeats", {
    code: "simulate-repeats",
    file: folder,
    found: other,
    remedy: "Name another folder with --out, or empty this one",
  });
}

function simulationOf(options: SimulateOptions, seed: number): Simulation {
  const narrow = options.dtype === "uint8";
  // The brightest pixels are about half as bright again as the bright end, and have noise above that.
  const fitting = narrow ? Math.min(2, 120 / options.photons) : 2;
  return {
    sizes: options.shape,
    ...present({ scene: options.scene }),
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
  const [t = 0, c = 0, z = 0, y = 0, x = 0] = all;
  if (all.length !== 5 || all.some((size) => !Number.isSafeInteger(size) || size < 1)) {
    throw new InvalidArgumentError("Three or five whole numbers, for example 16,512,512 or 10,2,16,512,512.");
  }
  if (y * x > maxPlanePixels) throw new InvalidArgumentError(`At most ${maxPlanePixels} pixels a plane.`);
  if (t * c * z > maxPlanes) throw new InvalidArgumentError(`At most ${maxPlanes} planes.`);
  return { t, c, z, y, x };
}

function percentage(text: string): number {
  const [, digits] = /^(\d+(?:\.\d+)?)\s*%$/.exec(text.trim()) ?? [];
  const share = digits === undefined ? Number.NaN : Number(digits) / 100;
  if (!(share < 1)) throw new InvalidArgumentError("must be a percentage below 100, as 2%");
  return share;
}

function seedFrom(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isInteger(value) || value < 0 || value > 2 ** 31 - 1) {
    throw new InvalidArgumentError("A whole number from 0 to 2147483647.");
  }
  return value;
}
