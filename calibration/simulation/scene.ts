import type { Sizes } from "../../core/acquisition.ts";
import { type Canvas, drawCell, drawHaze, drawSpot } from "./draw.ts";
import { between, randomOf } from "./random.ts";
import type { Repeat } from "./simulation.ts";
import { type SceneName, type Structures, structuresOf } from "./structures.ts";

/** One channel of a sample that moves: any plane at any time, in any order, always the same. */
export interface Scene {
  /** Writes the light of plane `z` at time `t` to `into`, `[Y, X]`; no unit, mostly between 0 and 1. */
  readonly draw: (t: number, z: number, into: Float32Array, view?: View) => void;
}

/** Another view of the scene, in whole pixels: with a border around the picture, and everything moved. */
interface View {
  readonly border: number;
  readonly moveY: number;
  readonly moveX: number;
}

const usualView: View = { border: 0, moveY: 0, moveX: 0 };

/** Structures are made slab by slab, so that memory depends on the plane's size and never on the depth. */
const slabPlanes = 16;

/** Structures of so many slabs above and below still reach into a plane. */
const neighbourSlabs = 1;

/** Faint light everywhere, against the structures' 1. */
const hazeLevel = 0.025;

/** How far structures wander from their place (pixels), and by how much of a cycle per time point. */
const wander = 5;
const cyclesPerTime = 0.03;

export function createScene(name: SceneName, sizes: Sizes, seed: number, channel: number): Scene {
  const slabs = new Map<number, Structures>();
  const field = { width: sizes.x, height: sizes.y, depth: Math.min(slabPlanes, sizes.z) };

  const slab = (index: number): Structures => {
    const known = slabs.get(index);
    if (known !== undefined) return known;
    for (const other of slabs.keys()) {
      if (Math.abs(other - index) > 2 * neighbourSlabs) slabs.delete(other);
    }
    const structures = structuresOf(name, field, randomOf(seed, channel, index, 1));
    slabs.set(index, structures);
    return structures;
  };

  return {
    draw(t, z, into, { border, moveY, moveX } = usualView) {
      into.fill(0);
      const canvas: Canvas = { light: into, width: sizes.x + 2 * border, height: sizes.y + 2 * border };
      const [byY, byX] = [border + moveY, border + moveX];
      drawHaze(canvas, hazeLevel, seed % 101, 0.11 * z + 0.02 * t, byX, byY);
      const middle = Math.floor(z / field.depth);
      for (let index = middle - neighbourSlabs; index <= middle + neighbourSlabs; index += 1) {
        const { spots, cells, groups } = slab(index);
        const moves = movesOf(groups, t, randomOf(seed, channel, index, 2));
        const inSlab = z - index * field.depth;
        for (const spot of spots) {
          const [x, y] = [moves[2 * spot.group] ?? 0, moves[2 * spot.group + 1] ?? 0];
          drawSpot(canvas, spot, inSlab, x + byX, y + byY);
        }
        for (const cell of cells) {
          const [x, y] = [moves[2 * cell.group] ?? 0, moves[2 * cell.group + 1] ?? 0];
          drawCell(canvas, cell, inSlab, x + byX, y + byY);
        }
      }
    },
  };
}

/** Where each group is at time `t`, against its place at time 0: x and y in pixels, one pair a group. */
function movesOf(groups: number, t: number, random: () => number): Float32Array {
  const moves = new Float32Array(2 * groups);
  for (let index = 0; index < moves.length; index += 1) {
    const phase = between(random, 0, 2 * Math.PI);
    const cycles = cyclesPerTime * between(random, 0.3, 1);
    moves[index] = wander * (Math.sin(phase + 2 * Math.PI * cycles * t) - Math.sin(phase));
  }
  return moves;
}

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
