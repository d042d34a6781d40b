import type { Sizes } from "../../core/acquisition.ts";
import type { Repeat } from "./repeat.ts";
import type { Scene } from "./scene.ts";

/** Pixels around the picture that the interpolation reaches. */
const border = 2;

/**
 * The scene as it is seen after a drift. Whole pixels move what glows; the rest is interpolated on the light, before
 * there is noise, so that the noise of a drifted picture is as white as any other's.
 */
export function driftedScene(scene: Scene, sizes: Sizes, { driftY, driftX }: Repeat): Scene {
  if (driftY === 0 && driftX === 0) return scene;
  const [wholeY, wholeX] = [Math.floor(driftY), Math.floor(driftX)];
  const [acrossY, acrossX] = [weightsOf(driftY - wholeY), weightsOf(driftX - wholeX)];
  const width = sizes.x + 2 * border;
  const wide = new Float32Array(width * (sizes.y + 2 * border));
  const rows = new Float32Array(sizes.x * (sizes.y + 2 * border));
  return {
    draw(t, z, into) {
      scene.draw(t, z, wide, { border, moveY: wholeY, moveX: wholeX });
      for (let y = 0; y < sizes.y + 2 * border; y += 1) {
        for (let x = 0; x < sizes.x; x += 1)
          rows[y * sizes.x + x] = weighted(wide, y * width + x, 1, acrossX);
      }
      for (let y = 0; y < sizes.y; y += 1) {
        for (let x = 0; x < sizes.x; x += 1) {
          // The cubic may swing below zero beside an edge; light cannot.
          into[y * sizes.x + x] = Math.max(0, weighted(rows, y * sizes.x + x, sizes.x, acrossY));
        }
      }
    },
  };
}

type Weights = readonly [number, number, number, number];

/** Catmull-Rom weights of the four samples from two before a pixel on, for a picture moved by `fraction` (0 to 1). */
function weightsOf(fraction: number): Weights {
  const u = 1 - fraction;
  return [
    ((-u + 2) * u - 1) * u * 0.5,
    ((3 * u - 5) * u * u + 2) * 0.5,
    ((-3 * u + 4) * u + 1) * u * 0.5,
    (u - 1) * u * u * 0.5,
  ];
}

function weighted(values: Float32Array, at: number, step: number, [a, b, c, d]: Weights): number {
  return (
    a * (values[at] ?? 0) +
    b * (values[at + step] ?? 0) +
    c * (values[at + 2 * step] ?? 0) +
    d * (values[at + 3 * step] ?? 0)
  );
}
