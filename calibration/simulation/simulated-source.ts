import { type Samples, type Sizes, sampleTypes } from "../../core/acquisition.ts";
import type { PlaneIndex, PlaneSource } from "../../formats/plane/plane-source.ts";
import { type CameraSampleType, takePicture, withoutNoise } from "./camera.ts";
import { driftedScene } from "./drifted-scene.ts";
import { rampSource } from "./ramp-source.ts";
import { randomOf } from "./random.ts";
import { createScene, type Scene } from "./scene.ts";
import { simulatedAcquisition } from "./simulated-acquisition.ts";
import type { SimulatedPair, Simulation } from "./simulation.ts";
import { type SceneName, sceneNames } from "./structures.ts";

/** At most this many pixels are looked at to find the bright end. */
const sampledPixels = 2 ** 20;
const sampledPlanes = 16;

/** A simulated acquisition, made plane by plane as it is read; memory depends on the plane's size only. */
export function simulate(simulation: Simulation): SimulatedPair {
  const { sizes, camera, sampleType, seed, scene, repeat } = simulation;
  if (scene === "ramp") return rampSource(simulation);
  const names = Array.from({ length: sizes.c }, (_, c) => scene ?? usualScene(sizes.c, c));
  const scenes = names.map((name, c) => createScene(name, sizes, seed, c));
  const views = repeat === undefined ? scenes : scenes.map((each) => driftedScene(each, sizes, repeat));
  // The first repeat is what there would be without repeats.
  const noiseKey = repeat === undefined || repeat.index === 0 ? [] : [repeat.index];
  const scales: number[] = [];
  const expected = new Float32Array(sizes.y * sizes.x);
  let drawn = "";

  /** Expected photons of a plane; the last one is kept, because noisy and clean want the same. */
  const expose = ({ t, c, z }: PlaneIndex): Float32Array => {
    const [scene, view] = [scenes[c], views[c]];
    const key = `${t} ${c} ${z}`;
    if (scene === undefined || view === undefined || key === drawn) return expected;
    const scale = scales[c] ?? simulation.photons / brightEnd(scene, sizes);
    scales[c] = scale;
    view.draw(t, z, expected);
    const light = scale * (repeat?.light ?? 1);
    for (let index = 0; index < expected.length; index += 1) expected[index] = (expected[index] ?? 0) * light;
    drawn = key;
    return expected;
  };

  const source = (
    type: CameraSampleType,
    fill: (index: PlaneIndex, samples: Samples) => void,
  ): PlaneSource => ({
    acquisition: simulatedAcquisition(simulation, type, names),
    readPlane(index, options) {
      const samples = options?.into ?? sampleTypes[type].make(expected.length);
      fill(index, samples);
      return Promise.resolve(samples);
    },
    close: () => Promise.resolve(),
  });

  return {
    noisy: source(sampleType, (index, samples) => {
      const random = randomOf(seed, index.t, index.c, index.z, 3, ...noiseKey);
      takePicture(expose(index), camera, sampleType, random, samples);
    }),
    clean: source("float32", (index, samples) => {
      withoutNoise(expose(index), camera, samples);
    }),
  };
}

function usualScene(channels: number, channel: number): SceneName {
  if (channels === 1) return "mixed";
  const single = sceneNames.filter((name) => name !== "mixed");
  return single[channel % single.length] ?? "mixed";
}

/** The 99.9th percentile of the light at time 0, over planes spread over the depth. */
function brightEnd(scene: Scene, sizes: Sizes): number {
  const planes = Math.min(sizes.z, sampledPlanes);
  const plane = new Float32Array(sizes.y * sizes.x);
  const step = Math.ceil((planes * plane.length) / sampledPixels);
  const perPlane = Math.ceil(plane.length / step);
  const seen = new Float32Array(planes * perPlane);
  for (let index = 0; index < planes; index += 1) {
    scene.draw(0, Math.floor(((index + 0.5) * sizes.z) / planes), plane);
    for (let pixel = 0; pixel < perPlane; pixel += 1)
      seen[index * perPlane + pixel] = plane[pixel * step] ?? 0;
  }
  seen.sort();
  return seen[Math.floor(0.999 * (seen.length - 1))] ?? 1;
}
