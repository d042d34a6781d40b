import type { Sizes } from "../../core/acquisition.ts";
import { type Canvas, drawCell, drawHaze, drawSpot } from "./draw.ts";
import { between, randomOf } from "./random.ts";
import { type SceneName, type Structures, structuresOf } from "./structures.ts";

/** One channel of a sample that moves: any plane at any time, in any order, always the same. */
export interface Scene {
  /** Writes the light of plane `z` at time `t` to `into`, `[Y, X]`; no unit, mostly between 0 and 1. */
  readonly draw: (t: number, z: number, into: Float32Array, view?: View) => void;
}

/** Another view of the scene, in whole pixels: with a border around the picture, and everything moved. */
export interface View {
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
