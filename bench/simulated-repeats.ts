// Writes repeats of one still field with known truth, for calibrate: Poisson noise, read noise, optional drift and bleaching.
// usage: node --import tsx bench/simulated-repeats.ts OUT_DIR [--count 12] [--shape 8,128,128] [--photons 20]
//        [--bleach 0.1] [--drift 0,2] [--scene mixed] [--seed 5]
// OUT_DIR/repeats holds the files, OUT_DIR/truth.ome.tif what they would be without noise.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { stillRepeats } from "../calibration/known-truth/still-repeats.ts";
import { simulatedAcquisition } from "../calibration/simulation/simulated-acquisition.ts";
import type { SceneName } from "../calibration/simulation/structures.ts";
import { createOmeTiff } from "../formats/tiff/ome-tiff-sink.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    count: { type: "string", default: "12" },
    shape: { type: "string", default: "8,128,128" },
    photons: { type: "string", default: "20" },
    bleach: { type: "string", default: "0" },
    drift: { type: "string", default: "0,0" },
    scene: { type: "string", default: "mixed" },
    seed: { type: "string", default: "5" },
  },
});
const out = positionals[0] ?? "repeats";
const [z = 8, y = 128, x = 128] = values.shape.split(",").map(Number);
const count = Number(values.count);
const camera = { gain: 2, offset: 100, readNoise: 1.6 };
const [driftY = 0, driftX = 0] = values.drift.split(",").map(Number);
const margin = { y: Math.abs(driftY), x: Math.abs(driftX) };
const size = { z, y: y + margin.y, x: x + margin.x };
const { truth, picture } = stillRepeats(
  values.scene as SceneName,
  size,
  Number(values.photons),
  camera,
  Number(values.seed),
);

/** Cuts the field out of the larger scene; the window moves over all repeats by the drift. */
function cut(plane: Float32Array, share: number): Float32Array {
  const top = Math.round(driftY >= 0 ? driftY * share : driftY * share + margin.y);
  const left = Math.round(driftX >= 0 ? driftX * share : driftX * share + margin.x);
  const part = new Float32Array(y * x);
  for (let row = 0; row < y; row += 1) {
    const from = (top + row) * size.x + left;
    part.set(plane.subarray(from, from + x), row * x);
  }
  return part;
}

async function write(
  path: string,
  sampleType: "uint16" | "float32",
  plane: (z: number) => Float32Array,
): Promise<void> {
  const sizes = { t: 1, c: 1, z, y, x };
  const acquisition = simulatedAcquisition(
    { sizes, photons: Number(values.photons), camera, sampleType, seed: Number(values.seed) },
    sampleType,
    [values.scene],
  );
  const sink = await createOmeTiff(path, { acquisition, sampleType }, { overwrite: true });
  try {
    for (let index = 0; index < z; index += 1) {
      const values = plane(index);
      const samples =
        sampleType === "uint16"
          ? Uint16Array.from(values, (value) => Math.max(0, Math.round(value)))
          : values;
      await sink.write({ t: 0, c: 0, z: index, samples });
    }
    await sink.finish([["Simulated", "bench/simulated-repeats.ts"]]);
  } finally {
    await sink.abort();
  }
}

mkdirSync(join(out, "repeats"), { recursive: true });
for (let repeat = 0; repeat < count; repeat += 1) {
  const share = count > 1 ? repeat / (count - 1) : 0;
  const light = 1 - Number(values.bleach) * share;
  const name = join(out, "repeats", `scan-${String(repeat + 1).padStart(3, "0")}.ome.tif`);
  await write(name, "uint16", (index) =>
    cut(picture(repeat, index), share).map((value) => camera.offset + light * (value - camera.offset)),
  );
}
await write(join(out, "truth.ome.tif"), "float32", (index) => cut(truth[index] ?? new Float32Array(), 0));
