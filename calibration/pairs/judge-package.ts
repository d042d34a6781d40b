import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Sizes } from "../../core/acquisition.ts";
import { usageError, visible } from "../../core/errors.ts";
import { median } from "../../core/median.ts";
import type { PackageSettings } from "../../core/package-settings.ts";
import { listed } from "../../formats/files-of.ts";
import { openAcquisition } from "../../formats/open.ts";
import { type PlaneSource, planesIn } from "../../formats/plane/plane-source.ts";
import { noiseSums } from "../../runtime/intensity/noise-estimate.ts";
import type { Engine } from "../../runtime/job/denoise-job.ts";
import { simulate } from "../simulation/simulated-source.ts";
import { writeSimulation } from "../simulation/write-simulation.ts";
import { type CoverField, coverFieldOf, drawCover } from "./cover.ts";
import { findPairs, type ImagePair } from "./find-pairs.ts";
import { fitIntensity } from "./fit-intensity.ts";
import { type PairMeasure, pairSums } from "./pair-sums.ts";

interface JudgeTask {
  /** Package folder. */
  readonly model: string;
  readonly settings: PackageSettings;
  readonly engine: Engine;
  readonly signal: AbortSignal;
}

interface PairsTask extends JudgeTask {
  /** Folder of pairs. */
  readonly dir: string;
  readonly intensityStated: boolean;
  readonly onPair: (pair: ImagePair, index: number, count: number) => void;
}

/**
 * The folder's pairs say what intensities mean (but for what a person stated), how much is gained, at what noise. Beside
 * these settings, a cover (PNG) and the evidence for the card (Markdown).
 */
export async function judgeByPairs(task: PairsTask) {
  const pairs = await findPairs(task.dir);
  const { measures, field } = await measurePairs(task, pairs);
  const { intensity, reason } = fitIntensity(measures);
  const gains = measures.map(({ noisyPsnrDb, denoisedPsnrDb }) => denoisedPsnrDb - noisyPsnrDb);
  const noises = measures.map(({ noiseToSignal }) => noiseToSignal).filter(Number.isFinite);
  const settings: PackageSettings = {
    ...task.settings,
    ...(task.intensityStated ? {} : { intensity }),
    ...(noises.length === 0
      ? {}
      : { noise_range: [rounded(Math.min(...noises)), rounded(Math.max(...noises))] }),
    pairs: {
      count: measures.length,
      psnr_gain_db: spreadOf(gains),
      // The gain back to the input's units is what undoes it.
      slope: spreadOf(measures.map(({ gain }) => 1 / gain)),
      on: listed(pairs.map(({ name }) => visible(name).slice(0, longestName))),
    },
  };
  const cover = field === undefined ? await simulatedCover(task) : await drawCover(field);
  const stated = task.intensityStated ? ", but the person who exported it stated otherwise" : "";
  return { settings, cover, evidence: evidenceOf(measures, `${intensity.meaning}${stated}: ${reason}`) };
}

/** Small enough for seconds, wide enough for a picture. */
const simulatedSizes = { t: 1, c: 1, z: 4, y: 96, x: 192 };

/** Without pairs: a picture (PNG) of a simulated field, and nothing claimed. */
export async function simulatedCover({ model, engine, signal, settings }: JudgeTask): Promise<Uint8Array> {
  const work = await mkdtemp(join(tmpdir(), "cnnt-edge-cover-"));
  try {
    const { normalization } = settings;
    // Grey values as the package expects them: the bright end within a fixed range.
    const gain = normalization.kind === "fixed" ? (normalization.high - normalization.low) / 60 : 10;
    const offset = normalization.kind === "fixed" ? normalization.low : 100;
    const simulation = {
      sizes: simulatedSizes,
      photons: 20,
      camera: { gain, offset, readNoise: 1.5 },
      sampleType: "float32",
      seed: 4,
    } as const;
    const simulated = simulate(simulation);
    const input = join(work, "input.ome.tif");
    await writeSimulation(simulation, simulated, { noisy: input }, { signal });
    const output = join(work, "output.ome.tif");
    await engine.denoise(
      { input, output, models: { default: resolve(model) }, sampleType: "float32" },
      { signal },
    );
    const denoised = await openAcquisition(output);
    try {
      return await drawCover(await coverFieldOf(simulated.noisy, denoised));
    } finally {
      await denoised.close();
    }
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

function evidenceOf(measures: readonly PairMeasure[], intensity: string): string {
  const rows = measures.map(
    ({ name, noisyPsnrDb, denoisedPsnrDb, noiseToSignal, gain }) =>
      `| ${name.replaceAll("|", "/")} | ${noisyPsnrDb.toFixed(2)} | ${denoisedPsnrDb.toFixed(2)} | ${(denoisedPsnrDb - noisyPsnrDb).toFixed(2)} | ${Number.isFinite(noiseToSignal) ? noiseToSignal.toFixed(2) : "unknown"} | ${gain.toFixed(3)} |`,
  );
  return [
    "## On pairs of noisy and clean images",
    "",
    `Intensities are ${intensity}.`,
    "",
    "| pair | noisy, dB | denoised, dB | gained, dB | noise / signal | gain to input units |",
    "|---|---|---|---|---|---|",
    ...rows,
    "",
    "PSNR is against the clean image and its range (largest less smallest value), after a least-squares gain and offset onto",
    "it; its own noise counts as error, so the truth is a little better. The gain to input units is the slope of the noisy",
    "pixels against the clean ones over that of the denoised pixels: the intensity slope above is 1 over it.",
    "",
  ].join("\n");
}

function spreadOf(values: readonly number[]) {
  return {
    median: rounded(median(values)),
    min: rounded(Math.min(...values)),
    max: rounded(Math.max(...values)),
  };
}

const longestName = 60;

function rounded(value: number): number {
  return Number(value.toPrecision(4));
}

/**
 * Runs the model on every noisy image and holds what it makes, as float32, against the clean one: a measure of each
 * channel of each pair, and the field of the first pair for a picture.
 */
async function measurePairs(task: PairsTask, pairs: readonly ImagePair[]) {
  const work = await mkdtemp(join(tmpdir(), "cnnt-edge-pairs-"));
  try {
    const measures: PairMeasure[] = [];
    let field: CoverField | undefined;
    for (const [index, pair] of pairs.entries()) {
      task.onPair(pair, index, pairs.length);
      const output = join(work, `${index}.ome.tif`);
      await task.engine.denoise(
        {
          input: resolve(pair.noisy),
          output,
          models: { default: resolve(task.model) },
          normalization: "package",
          sampleType: "float32",
        },
        { signal: task.signal },
      );
      const sources = await Promise.all(
        [pair.noisy, pair.clean, output].map((file) => openAcquisition(file)),
      );
      const [noisy, clean, denoised] = sources;
      try {
        if (noisy === undefined || clean === undefined || denoised === undefined) continue;
        refuseOtherSize(pair, noisy.acquisition.sizes, clean.acquisition.sizes);
        measures.push(...(await measurePair(pair, noisy, clean, denoised)));
        field ??= await coverFieldOf(noisy, denoised);
      } finally {
        await Promise.all(sources.map((source) => source.close()));
      }
      await rm(output, { force: true });
    }
    return { measures, field };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function measurePair(
  pair: ImagePair,
  noisy: PlaneSource,
  clean: PlaneSource,
  denoised: PlaneSource,
): Promise<PairMeasure[]> {
  const { sizes } = clean.acquisition;
  const measures: PairMeasure[] = [];
  for (let c = 0; c < sizes.c; c += 1) {
    const sums = pairSums();
    const noise = noiseSums({ height: sizes.y, width: sizes.x });
    for (const { t, z } of planesIn({ ...sizes, c: 1 })) {
      const index = { t, c, z };
      const [one, other, made] = await Promise.all([
        noisy.readPlane(index),
        clean.readPlane(index),
        denoised.readPlane(index),
      ]);
      noise.add(one);
      sums.add(one, other, made);
    }
    const name = sizes.c === 1 ? pair.name : `${pair.name}, channel ${c}`;
    const measured = { name, noiseToSignal: noise.estimate().noiseToSignal, ...sums.measure() };
    refuseUnlike(pair, measured);
    measures.push(measured);
  }
  return measures;
}

/** Of what shows two fields, or nothing, gains would mean nothing either. */
function refuseUnlike(pair: ImagePair, { name, correlation, noisyPsnrDb }: PairMeasure): void {
  if (correlation > 0 && Number.isFinite(noisyPsnrDb)) return;
  throw usageError("the noisy and the clean image are not a pair", {
    code: "pairs-unlike",
    file: pair.noisy,
    at: name,
    found: Number.isNaN(correlation)
      ? "one of the two is constant"
      : correlation > 0
        ? "the two are the same image"
        : `a correlation of ${correlation.toFixed(2)}`,
    allowed: `one field, noisy here and clean in ${pair.clean}`,
    remedy: "Take the two out of the folder, or put the right one in",
  });
}

function refuseOtherSize(pair: ImagePair, noisy: Sizes, clean: Sizes): void {
  const told = ({ t, c, z, y, x }: Sizes): string => `T ${t}, C ${c}, Z ${z}, Y ${y}, X ${x}`;
  if (told(noisy) === told(clean)) return;
  throw usageError("the noisy and the clean image are of different size", {
    code: "pairs-size",
    file: pair.noisy,
    found: told(noisy),
    allowed: `${told(clean)}, as ${pair.clean}`,
    remedy: "Crop them to the same field",
  });
}
