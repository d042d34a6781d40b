// Do the 95 % intervals of the unbiased error cover the truth? 200 experiments with known truth, each with new noise,
// for doubles of a model that do nothing and that blur.
// usage: node --import tsx bench/calibration-coverage.ts [--runs 200] [--photons 5,20] [--repeats 12]
import { parseArgs } from "node:util";
import { planLevels } from "../calibration/levels/draw-plan.ts";
import { blockGrid } from "../calibration/metrics/block-grid.ts";
import { type ErrorEstimate, errorEstimate } from "../calibration/metrics/intervals.ts";
import { noisyReferences, weightedSum } from "../calibration/metrics/noisy-references.ts";
import { blockErrors } from "../calibration/metrics/unbiased-error.ts";
import { randomOf } from "../calibration/simulation/random.ts";
import { doubles } from "../test/calibration/known-truth/doubles.ts";
import { stillRepeats } from "../test/calibration/known-truth/still-repeats.ts";

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "200" },
    photons: { type: "string", default: "5,20" },
    repeats: { type: "string", default: "12" },
  },
});
const runs = Number(values.runs);
const repeats = Number(values.repeats);
const size = { z: 2, y: 64, x: 64 };
const shape = { height: size.y, width: size.x };
const grid = blockGrid(shape);
const plans = planLevels(repeats, { maxDraws: 4, seed: 1 });

interface Run {
  readonly estimate: ErrorEstimate;
  /** The true error of the very images that were judged. */
  readonly realized: number;
  readonly naive: number;
}

for (const photons of values.photons.split(",").map(Number)) {
  for (const double of ["identity", "blur"] as const) {
    const of = plans.map((): Run[] => []);
    for (let run = 0; run < runs; run += 1) {
      const { truth, picture } = stillRepeats(
        "mixed",
        size,
        photons,
        { gain: 1, offset: 100, readNoise: 1 },
        5,
      );
      const pictures = Array.from({ length: repeats }, (_, repeat) =>
        truth.map((_, z) => picture(run * repeats + repeat, z)),
      );
      let borrowed: number | undefined;
      plans.forEach(({ averages, draws, references }, level) => {
        const errors = draws.map(() => blockErrors(grid));
        let realized = 0;
        truth.forEach((exact, z) => {
          const images = pictures.map((planes) => planes[z] ?? exact);
          const pick = (indices: readonly number[]) => indices.map((index) => images[index] ?? exact);
          const judge = noisyReferences(pick(references));
          draws.forEach((draw, index) => {
            const input = weightedSum(
              pick(draw),
              draw.map(() => 1 / draw.length),
            );
            const denoised = doubles[double](input, shape);
            errors[index]?.add(denoised, judge);
            for (let at = 0; at < exact.length; at += 1) {
              realized +=
                ((denoised[at] ?? 0) - (exact[at] ?? 0)) ** 2 / (draws.length * exact.length * truth.length);
            }
          });
        });
        const sums = errors.map((error) => error.sums());
        const estimate = errorEstimate(sums, randomOf(run, averages), borrowed);
        if (estimate === undefined) return;
        borrowed =
          ((estimate.drawVariance ?? borrowed ?? 0) * averages) / (plans[level + 1]?.averages ?? averages);
        const naive = sums.reduce((sum, { naive: block }) => sum + block.reduce((a, b) => a + b, 0), 0);
        of[level]?.push({ estimate, realized, naive: naive / (sums.length * size.z * size.y * size.x) });
      });
    }
    plans.forEach(({ averages, draws, references }, level) => {
      const done = of[level] ?? [];
      const mean = (value: (run: Run) => number) =>
        done.reduce((sum, run) => sum + value(run), 0) / done.length;
      const truth = mean(({ realized }) => realized);
      const covers = (value: (run: Run) => number) =>
        mean((run) => (run.estimate.low <= value(run) && value(run) <= run.estimate.high ? 100 : 0)).toFixed(
          1,
        );
      process.stdout.write(
        `${JSON.stringify({
          double,
          photons,
          averages,
          draws: draws.length,
          references: references.length,
          true_mse: Number(truth.toPrecision(4)),
          mean_unbiased_mse: Number(mean(({ estimate }) => estimate.value).toPrecision(4)),
          mean_naive_mse: Number(mean(({ naive }) => naive).toPrecision(4)),
          covered_percent: Number(covers(() => truth)),
          covered_percent_of_these_images: Number(covers(({ realized }) => realized)),
        })}\n`,
      );
    });
  }
}
