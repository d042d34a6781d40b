import { type Samples, type Sizes, sampleTypes } from "../../core/acquisition.ts";
import type { PlaneIndex, PlaneSource } from "../../formats/plane/plane-source.ts";
import { type CameraSampleType, takePicture, withoutNoise } from "./camera.ts";
import { randomOf } from "./random.ts";
import { createScene, driftedScene, type Scene } from "./scene.ts";
import { type SimulatedPair, type Simulation, simulatedAcquisition } from "./simulation.ts";
import { type SceneName, sceneNames } from "./structures.ts";

/** Of a channel with at most so many pixels all planes are kept: 4 MiB. */
const keptPixels = 2 ** 20;

/** At most this many pixels are looked at to find the bright end. */
const sampledPixels = 2 ** 20;
const sampledPlanes = 16;

/** What all pictures of one field have in common. */
export interface Field {
  /** One for each channel. */
  readonly names: readonly SceneName[];
  readonly scenes: readonly Scene[];
  /** The light of the brightest structures of each channel, once it is known. */
  readonly brightEnds: number[];
}

export function fieldOf({ sizes, seed, scene }: Simulation): Field {
  const single = scene === "ramp" ? undefined : scene;
  const names = Array.from({ length: sizes.c }, (_, c) => single ?? usualScene(sizes.c, c));
  const scenes = names.map((name, c) => drawnOnce(createScene(name, sizes, seed, c), sizes));
  return { names, scenes, brightEnds: [] };
}

/**
 * A simulated acquisition, made plane by plane as it is read; memory depends on the plane's size only. Repeats share their
 * field, which is then drawn once.
 */
export function simulate(simulation: Simulation, field = fieldOf(simulation)): SimulatedPair {
  const { sizes, camera, sampleType, seed, scene, repeat } = simulation;
  if (scene === "ramp") return rampSource(simulation);
  const { names, scenes, brightEnds } = field;
  const views = repeat === undefined ? scenes : scenes.map((each) => driftedScene(each, sizes, repeat));
  // The first repeat is what there would be without repeats.
  const noiseKey = repeat === undefined || repeat.index === 0 ? [] : [repeat.index];
  const expected = new Float32Array(sizes.y * sizes.x);
  let drawn = "";

  /** Expected photons of a plane; the last one is kept, because noisy and clean want the same. */
  const expose = ({ t, c, z }: PlaneIndex): Float32Array => {
    const [scene, view] = [scenes[c], views[c]];
    const key = `${t} ${c} ${z}`;
    if (scene === undefined || view === undefined || key === drawn) return expected;
    brightEnds[c] ??= brightEnd(scene, sizes);
    view.draw(t, z, expected);
    const light = (simulation.photons / brightEnds[c]) * (repeat?.light ?? 1);
    for (let index = 0; index < expected.length; index += 1) expected[index] = (expected[index] ?? 0) * light;
    drawn = key;
    return expected;
  };

  return {
    noisy: sourceOf(simulation, sampleType, names, (index, samples) => {
      const random = randomOf(seed, index.t, index.c, index.z, 3, ...noiseKey);
      takePicture(expose(index), camera, sampleType, random, samples);
    }),
    clean: sourceOf(simulation, "float32", names, (index, samples) => {
      withoutNoise(expose(index), camera, samples);
    }),
  };
}

/** Planes that `fill` makes as they are read. */
function sourceOf(
  simulation: Simulation,
  type: CameraSampleType,
  channels: readonly string[],
  fill: (index: PlaneIndex, samples: Samples) => void,
): PlaneSource {
  const { sizes } = simulation;
  return {
    acquisition: simulatedAcquisition(simulation, type, channels),
    readPlane(index, options) {
      const samples = options?.into ?? sampleTypes[type].make(sizes.y * sizes.x);
      fill(index, samples);
      return Promise.resolve(samples);
    },
    close: () => Promise.resolve(),
  };
}

function usualScene(channels: number, channel: number): SceneName {
  if (channels === 1) return "mixed";
  const single = sceneNames.filter((name) => name !== "mixed");
  return single[channel % single.length] ?? "mixed";
}

/** A small scene, of which each plane is drawn once: its bright end is looked for in the planes that are exposed afterwards. */
function drawnOnce(scene: Scene, { t, z, y, x }: Sizes): Scene {
  if (t * z * y * x > keptPixels) return scene;
  const planes = new Map<number, Float32Array>();
  return {
    draw(time, plane, into, view) {
      if (view !== undefined) {
        scene.draw(time, plane, into, view);
        return;
      }
      const key = time * z + plane;
      const known = planes.get(key);
      if (known !== undefined) {
        into.set(known);
        return;
      }
      scene.draw(time, plane, into);
      planes.set(key, into.slice());
    },
  };
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

/** Grey values at which the ramp starts anew: no plane of a stack equals its neighbours, and 8 bits hold it. */
const period = 251;

/**
 * A slanted ramp without noise, at the speed of memory: for those who test disks, pipes and memory with stacks of
 * many gigabytes and want to see at once when planes are mixed up. Noisy and clean are the same.
 */
function rampSource(simulation: Simulation): SimulatedPair {
  const { sizes, sampleType, seed } = simulation;
  const channels = Array.from({ length: sizes.c }, () => "ramp");
  const source = (type: CameraSampleType) =>
    sourceOf(simulation, type, channels, ({ t, c, z }, samples) =>
      fillRamp(samples, sizes.x, seed + (t * sizes.c + c) * sizes.z + z),
    );
  return { noisy: source(sampleType), clean: source("float32") };
}

function fillRamp(samples: Samples, width: number, plane: number): void {
  for (let start = 0, row = 0; start < samples.length; start += width, row += 1) {
    let value = (3 * row + 7 * plane) % period;
    for (let index = start; index < start + width; index += 1) {
      samples[index] = value;
      value = value + 1 === period ? 0 : value + 1;
    }
  }
}
