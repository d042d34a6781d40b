import assert from "node:assert/strict";
import { test } from "node:test";
import type { Camera } from "../../../calibration/simulation/camera.ts";
import { simulate } from "../../../calibration/simulation/simulated-source.ts";
import { noiseSums } from "../../../runtime/intensity/noise-estimate.ts";
import { checkChannels } from "../../../runtime/plan/check-channels.ts";
import type { ChannelPlan } from "../../../runtime/plan/plan-job.ts";

const side = 128;
const plainCamera: Camera = { gain: 2, offset: 100, readNoise: 1.6 };
const denoised: readonly ChannelPlan[] = [{ kind: "denoise" } as ChannelPlan];
const { signal } = new AbortController();

function field(
  photons: number,
  seed: number,
  change: Partial<Parameters<typeof simulate>[0]> = {},
): ReturnType<typeof simulate>["noisy"] {
  const sizes = { t: 1, c: 1, z: 2, y: side, x: side };
  return simulate({ sizes, photons, seed, camera: plainCamera, sampleType: "uint16", ...change }).noisy;
}

async function noiseToSignal(source: ReturnType<typeof field>): Promise<number> {
  const sums = noiseSums({ height: side, width: side });
  sums.add(await source.readPlane({ t: 0, c: 0, z: 0 }));
  sums.add(await source.readPlane({ t: 0, c: 0, z: 1 }));
  return sums.estimate().noiseToSignal;
}

async function noiseChecks(...look: Parameters<typeof checkChannels>) {
  return (await checkChannels(...look)).noise;
}

const calibrated = async (source: ReturnType<typeof field>) => ({
  calibration: "0123456789abcdef",
  averages: 1,
  noiseToSignal: await noiseToSignal(source),
});

for (const [name, change] of [
  ["uint16", {}],
  ["uint8, few grey values", { sampleType: "uint8", camera: { gain: 0.3, offset: 2, readNoise: 1.6 } }],
  ["clipped at 0", { camera: { gain: 2, offset: 0, readNoise: 1.6 } }],
  ["a time series", { sizes: { t: 3, c: 1, z: 1, y: side, x: side } }],
] as const) {
  test(`calibrated at 20 photons: no warning in 19 of 20 other fields at 20, a warning in all at 5 (${name})`, async () => {
    const { sizes: _sizes, ...still } = { sizes: undefined, ...change };
    const references = { default: await calibrated(field(20, 1, still)), byChannel: {} };
    const warned = async (photons: number): Promise<number> => {
      let warnings = 0;
      for (let seed = 2; seed <= 21; seed += 1) {
        const [check] = await noiseChecks(references, field(photons, seed, change), denoised, signal);
        if (check?.warning !== undefined) warnings += 1;
      }
      return warnings;
    };
    assert.ok((await warned(20)) <= 1);
    assert.equal(await warned(5), 20);
  });
}

test("constant noise is found within a tenth, whatever the structure", () => {
  const noise = 3;
  const sums = noiseSums({ height: side, width: side });
  let state = 1;
  const random = () => {
    state = (state * 48271) % 0x7fffffff;
    return state / 0x7fffffff;
  };
  const gaussian = () => Math.sqrt(-2 * Math.log(random())) * Math.cos(2 * Math.PI * random());
  const structure = (at: number) => 200 + 80 * Math.sin(at / 900) + (at % side > 60 ? 50 : 0);
  sums.add(Float64Array.from({ length: side * side }, (_, at) => structure(at) + noise * gaussian()));
  const { noise: found } = sums.estimate();
  assert.ok(Math.abs(found / noise - 1) < 0.1, `${found}`);
});

test("an empty field, a black plane, a plane of NaN and a line: not compared, and that is said", async () => {
  const reference = { calibration: "0123456789abcdef", averages: 1, noiseToSignal: 0.2 };
  for (const [name, height, value] of [
    ["empty", side, (at: number) => 100 + ((at * 7919) % 13) + ((at * 104729) % 11)],
    ["black", side, () => 0],
    ["NaN", side, () => Number.NaN],
    ["line", 1, (at: number) => at % 50],
  ] as const) {
    const source = {
      acquisition: {
        ...field(20, 1).acquisition,
        sampleType: "float32" as const,
        sizes: { t: 1, c: 1, z: 1, y: height, x: side },
      },
      readPlane: (_index: unknown, options?: { into?: { [at: number]: number; length: number } }) => {
        const into = options?.into ?? new Float32Array(height * side);
        for (let at = 0; at < into.length; at += 1) into[at] = value(at);
        return Promise.resolve(into as Float32Array);
      },
      close: () => Promise.resolve(),
    };
    const [check] = await noiseChecks({ default: reference, byChannel: {} }, source, denoised, signal);
    assert.equal(check?.ratio, undefined, name);
    assert.equal(check?.noisier, false, name);
    assert.match(check?.warning ?? "", /no signal above its noise/, name);
  }
});

test("a calibration speaks for the channel that it is named for, and not for one that is passed on", async () => {
  const reference = (noise: number) => ({
    calibration: "0123456789abcdef",
    averages: 1,
    noiseToSignal: noise,
  });
  const source = field(20, 3, { sizes: { t: 1, c: 3, z: 1, y: side, x: side } });
  const name = source.acquisition.channels[2]?.name ?? assert.fail();
  const plans = [...denoised, { kind: "pass" } as const, ...denoised];
  const byChannel = { 0: reference(1), [name]: reference(0.001) };
  const checks = await noiseChecks({ byChannel }, source, plans, signal);
  assert.deepEqual(
    checks.map(({ channel, noisier }) => [channel, noisier]),
    [
      [0, false],
      [2, true],
    ],
  );
  assert.deepEqual(await noiseChecks(undefined, source, plans, signal), []);
});
