import { type Camera, takePicture } from "../../../calibration/simulation/camera.ts";
import { randomOf } from "../../../calibration/simulation/random.ts";
import { createScene } from "../../../calibration/simulation/scene.ts";
import type { SceneName } from "../../../calibration/simulation/structures.ts";
import type { Sizes } from "../../../core/acquisition.ts";

/** One field photographed again and again, and what it would show without noise. Planes `[Y, X]`, one per z. */
export interface StillRepeats {
  readonly truth: readonly Float32Array[];
  /** A new picture of plane `z`; the same `repeat` gives the same one. */
  readonly picture: (repeat: number, z: number) => Float32Array;
}

/** `photons` are expected at the brightest pixel of the field. */
export function stillRepeats(
  scene: SceneName,
  size: Pick<Sizes, "z" | "y" | "x">,
  photons: number,
  camera: Camera,
  seed: number,
): StillRepeats {
  const drawn = createScene(scene, { t: 1, c: 1, ...size }, seed, 0);
  const lights = Array.from({ length: size.z }, (_, z) => {
    const light = new Float32Array(size.y * size.x);
    drawn.draw(0, z, light);
    return light;
  });
  const brightest = lights.reduce((most, light) => light.reduce((a, b) => Math.max(a, b), most), 0);
  const expected = lights.map((light) => light.map((value) => (value * photons) / brightest));
  return {
    truth: expected.map((plane) => plane.map((value) => camera.offset + camera.gain * value)),
    picture(repeat, z) {
      const samples = new Float32Array(size.y * size.x);
      const plane = expected[z];
      if (plane !== undefined) takePicture(plane, camera, "float32", randomOf(seed, repeat, z, 7), samples);
      return samples;
    },
  };
}
