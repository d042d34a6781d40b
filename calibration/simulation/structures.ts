import { between, type Random } from "./random.ts";

/**
 * What glows, as geometry, in pixels and planes. Planes are taken to be three times as far apart as pixels
 * (0.1 µm and 0.3 µm), so that a ball has a third of its radius in planes.
 */

/** A point of light, already as blurred as the microscope shows it. */
export interface Spot {
  readonly x: number;
  readonly y: number;
  readonly z: number;
  readonly amplitude: number;
  /** Standard deviations of the blur: in pixels, and in planes. */
  readonly sigma: number;
  readonly sigmaZ: number;
  /** Spots and cells of the same group move together. */
  readonly group: number;
}

/** An ellipsoid with an uneven outline: a nucleus when filled, a membrane when only its surface glows. */
export interface Cell {
  readonly x: number;
  readonly y: number;
  readonly z: number;
  /** Half axes in pixels and planes. */
  readonly radiusX: number;
  readonly radiusY: number;
  readonly radiusZ: number;
  /** Of the half axis X against the image's, in radians. */
  readonly angle: number;
  readonly amplitude: number;
  readonly filled: boolean;
  /** Where in the endless texture this cell lies. */
  readonly textureSeed: number;
  /** Relative height and phases of the waves of the outline with 2, 3 and 5 periods. */
  readonly waviness: number;
  readonly phases: readonly [number, number, number];
  readonly group: number;
}

/** All structures whose centres lie in one slab of planes. */
export interface Structures {
  readonly spots: readonly Spot[];
  readonly cells: readonly Cell[];
  readonly groups: number;
}

export const sceneNames = ["mixed", "filaments", "nuclei", "membranes", "puncta"] as const;
export type SceneName = (typeof sceneNames)[number];

/** How much of each structure a scene has (1: as dense as alone), and how bright it is there. */
const mixtures: Readonly<
  Record<SceneName, Readonly<Record<Kind, readonly [density: number, brightness: number]>>>
> = {
  mixed: { filaments: [0.6, 0.8], nuclei: [0.6, 0.45], membranes: [0.5, 0.5], puncta: [0.7, 1] },
  filaments: { filaments: [1.2, 1], nuclei: [0, 0], membranes: [0, 0], puncta: [0.05, 0.6] },
  nuclei: { filaments: [0, 0], nuclei: [1, 1], membranes: [0, 0], puncta: [0, 0] },
  membranes: { filaments: [0, 0], nuclei: [0, 0], membranes: [1, 1], puncta: [0.3, 0.7] },
  puncta: { filaments: [0, 0], nuclei: [0.7, 0.12], membranes: [0, 0], puncta: [1.5, 1] },
};

type Kind = "filaments" | "nuclei" | "membranes" | "puncta";

/** A box of pixels and planes. */
export interface FieldSize {
  readonly width: number;
  readonly height: number;
  readonly depth: number;
}

/** Structures reach this far beyond the picture, so that its borders look like its middle (pixels). */
export const margin = 30;

/** Pixels of area, within a slab, for each structure where its density is 1. */
const areaPer = { filament: 1500, punctum: 450, cellSpacing: 58 } as const;

/** Fills a slab of `field`; `z` counts from the slab's first plane. */
export function structuresOf(scene: SceneName, field: FieldSize, random: Random): Structures {
  const spots: Spot[] = [];
  const cells: Cell[] = [];
  let groups = 0;
  const area = (field.width + 2 * margin) * (field.height + 2 * margin);
  const mixture = mixtures[scene];
  // Rounded up or down by chance, so that it is right on average also for small pictures.
  const times = (kind: Kind, each: number): number => Math.floor((mixture[kind][0] * area) / each + random());

  for (let left = times("filaments", areaPer.filament); left > 0; left -= 1) {
    growFilament(spots, field, mixture.filaments[1], groups, random);
    groups += 1;
  }
  for (let left = times("puncta", areaPer.punctum); left > 0; left -= 1) {
    spots.push(punctumOf(field, mixture.puncta[1], groups, random));
    groups += 1;
  }
  for (const kind of ["nuclei", "membranes"] as const) {
    const [density, brightness] = mixture[kind];
    const spacing = areaPer.cellSpacing * (kind === "nuclei" ? 1 : 1.25);
    if (density === 0) continue;
    for (const place of settledPlaces(field, spacing, density * 0.85, random)) {
      cells.push(cellAt(place, spacing, brightness, kind === "nuclei", groups, random));
      groups += 1;
    }
  }
  return { spots, cells, groups };
}

/** A curve that keeps its direction for a while, brighter and dimmer along its length. */
function growFilament(
  spots: Spot[],
  field: FieldSize,
  brightness: number,
  group: number,
  random: Random,
): void {
  let x = between(random, -margin, field.width + margin);
  let y = between(random, -margin, field.height + margin);
  let z = between(random, 0, field.depth);
  let heading = between(random, 0, 2 * Math.PI);
  let bend = 0;
  const climb = between(random, -0.05, 0.05);
  const length = between(random, 50, 220);
  const amplitude = brightness * between(random, 0.35, 1) ** 1.5;
  const period = between(random, 8, 30);
  const phase = between(random, 0, 2 * Math.PI);
  for (let along = 0; along < length; along += 1) {
    const beads = 0.75 + 0.25 * Math.sin(phase + (2 * Math.PI * along) / period);
    const ends = Math.min(1, (along + 1) / 8, (length - along) / 8);
    spots.push({ x, y, z, amplitude: 0.55 * amplitude * beads * ends, sigma: 1.25, sigmaZ: 1.5, group });
    bend = 0.92 * bend + between(random, -0.02, 0.02);
    heading += bend;
    x += Math.cos(heading);
    y += Math.sin(heading);
    z += climb;
  }
}

function punctumOf(field: FieldSize, brightness: number, group: number, random: Random): Spot {
  const size = between(random, 1, 1.7);
  return {
    x: between(random, -margin, field.width + margin),
    y: between(random, -margin, field.height + margin),
    z: between(random, 0, field.depth),
    // Most are dim, some are bright.
    amplitude: brightness * Math.exp(between(random, -1.6, 0.35)),
    sigma: 1.3 * size,
    sigmaZ: 1.4 * size,
    group,
  };
}

interface Place {
  readonly x: number;
  readonly y: number;
  readonly z: number;
}

/** A shaken grid: near each other, seldom in each other. */
function settledPlaces(field: FieldSize, spacing: number, share: number, random: Random): Place[] {
  const places: Place[] = [];
  const shake = 0.3 * spacing;
  for (let row = -margin; row < field.height + margin; row += spacing) {
    for (let column = -margin; column < field.width + margin; column += spacing) {
      const x = column + between(random, -shake, shake);
      const y = row + between(random, -shake, shake);
      const z = between(random, 0, field.depth);
      if (random() < share) places.push({ x, y, z });
    }
  }
  return places;
}

function cellAt(
  place: Place,
  spacing: number,
  brightness: number,
  filled: boolean,
  group: number,
  random: Random,
): Cell {
  const radius = spacing * between(random, 0.28, 0.4);
  const elongation = between(random, 1, 1.35);
  const phase = (): number => between(random, 0, 2 * Math.PI);
  return {
    ...place,
    radiusX: radius * elongation,
    radiusY: radius / elongation,
    radiusZ: Math.max(2, (radius / 3) * between(random, 0.7, 1)),
    angle: between(random, 0, Math.PI),
    amplitude: brightness * between(random, 0.4, 1),
    filled,
    textureSeed: Math.floor(random() * 2 ** 31),
    waviness: filled ? 0.05 : 0.09,
    phases: [phase(), phase(), phase()],
    group,
  };
}
