import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Sizes } from "../../core/acquisition.ts";
import { usageError } from "../../core/errors.ts";
import { openAcquisition } from "../../formats/open.ts";
import { type PlaneSource, planesIn } from "../../formats/plane/plane-source.ts";
import { noiseSums } from "../../runtime/intensity/noise-estimate.ts";
import type { Engine } from "../../runtime/job/denoise-job.ts";
import { type CoverField, coverFieldOf } from "./cover.ts";
import type { ImagePair } from "./find-pairs.ts";
import { type PairMeasure, pairSums } from "./pair-sums.ts";

export interface PairsTask {
  readonly pairs: readonly ImagePair[];
  /** Package folder. */
  readonly model: string;
  readonly engine: Engine;
  readonly signal: AbortSignal;
  readonly onPair: (pair: ImagePair, index: number) => void;
}

export interface MeasuredPairs {
  /** Each channel of each pair. */
  readonly measures: readonly PairMeasure[];
  /** Of the first pair: for a picture. */
  readonly field: CoverField | undefined;
}

/** Runs the model on every noisy image and holds what it makes, as float32, against the clean one. */
export async function measurePairs(task: PairsTask): Promise<MeasuredPairs> {
  const work = await mkdtemp(join(tmpdir(), "cnnt-edge-pairs-"));
  try {
    const measures: PairMeasure[] = [];
    let field: CoverField | undefined;
    for (const [index, pair] of task.pairs.entries()) {
      task.onPair(pair, index);
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
