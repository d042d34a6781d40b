import { type Repeats, readMean } from "../../calibration/experiment/repeats.ts";
import { planLevels } from "../../calibration/levels/draw-plan.ts";
import { type LevelMeasurement, measureLevel } from "../../calibration/measure/measure-level.ts";
import { type FieldSurvey, surveyField } from "../../calibration/measure/survey-field.ts";
import { simulatedAcquisition } from "../../calibration/simulation/simulation.ts";
import { type DoubleName, doubles } from "./known-truth/doubles.ts";
import { type StillRepeats, stillRepeats } from "./known-truth/still-repeats.ts";

export interface KnownField {
  readonly repeats: Repeats;
  /** The same for whatever is measured on the field. */
  readonly survey: () => Promise<FieldSurvey>;
  readonly truth: StillRepeats["truth"];
}

/** `count` pictures of one simulated field in memory, made as they are read. */
export function knownField(
  size: { z: number; y: number; x: number },
  photons: number,
  count: number,
  seed = 5,
): KnownField {
  const { truth, picture } = stillRepeats(
    "mixed",
    size,
    photons,
    { gain: 1, offset: 100, readNoise: 1 },
    seed,
  );
  const pictures = new Map<string, Float32Array>();
  const repeats: Repeats = {
    acquisition: simulatedAcquisition(
      {
        sizes: { t: 1, c: 1, ...size },
        photons,
        camera: { gain: 1, offset: 100, readNoise: 1 },
        sampleType: "float32",
        seed,
      },
      "float32",
      ["mixed"],
    ),
    files: [],
    depth: size.z,
    height: size.y,
    width: size.x,
    averages: new Array<number>(count).fill(1),
    names: Array.from({ length: count }, (_, index) => `repeat ${index + 1}`),
    readPlane(index, z) {
      const key = `${index} ${z}`;
      const plane = pictures.get(key) ?? picture(index, z);
      pictures.set(key, plane);
      return Promise.resolve(plane.slice());
    },
    close: () => Promise.resolve(),
  };
  let survey: Promise<FieldSurvey> | undefined;
  return {
    truth,
    repeats,
    survey: () => {
      survey ??= surveyField(repeats);
      return survey;
    },
  };
}

/** Measures the levels of a field with a double in the model's place. */
export async function measureDouble(
  { repeats, survey: surveyed }: KnownField,
  double: DoubleName,
  levels?: readonly number[],
): Promise<readonly LevelMeasurement[]> {
  const survey = await surveyed();
  const measured: LevelMeasurement[] = [];
  for (const plan of planLevels(repeats.averages.length, { levels, maxDraws: 4, seed: 1 })) {
    const denoised = plan.draws.map((draw) => ({
      readPlane: async (z: number) => doubles[double](await readMean(repeats, draw, z), repeats),
      close: () => Promise.resolve(),
    }));
    measured.push(await measureLevel(repeats, plan, denoised, survey, { seed: 1 }));
  }
  return measured;
}
