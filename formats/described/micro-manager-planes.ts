import type { EdgeError } from "../../core/errors.ts";
import { countedTwice } from "./described-set.ts";
import { microManagerPlace } from "./micro-manager-names.ts";
import type { MicroManagerText } from "./micro-manager-text.ts";

/** Which file holds which plane of a Micro-Manager acquisition. Pure. */

export interface Plane {
  readonly t: number;
  readonly c: number;
  readonly z: number;
}

/** Names of files, by the `planeKey` of their plane. */
export type PlaneNames = ReadonlyMap<string, string>;

export interface FoundPlanes {
  /** At least one position; without planes where none is known. */
  readonly byPosition: readonly (readonly [position: number, names: PlaneNames])[];
  /** A file of the folder that a closed text does not list. */
  readonly unlisted: string | undefined;
  /** Why it is not known which of two files holds a plane. */
  readonly twice: EdgeError | undefined;
}

/** `names`: of all files beside the text `file`. */
export function planesOf(text: MicroManagerText, file: string, names: ReadonlySet<string>): FoundPlanes {
  const byPosition = new Map<number, Map<string, string>>();
  let twice: EdgeError | undefined;
  const note = (name: string, plane: Plane, position: number): void => {
    const planes = byPosition.get(position) ?? new Map<string, string>();
    const other = planes.get(planeKey(plane));
    if (other !== undefined && other !== name) twice ??= countedTwice(file, bothNames(other, name));
    byPosition.set(position, planes.set(planeKey(plane), name));
  };
  for (const { name, place } of text.planes) {
    const named = microManagerPlace(name);
    if (place !== undefined && named?.c === undefined) note(name, place, 0);
    else if (named?.c !== undefined) note(name, { ...named, c: named.c }, named.position);
  }
  // The line of a plane is written after its file.
  let unlisted: string | undefined;
  for (const name of names) {
    const named = microManagerPlace(name);
    if (named?.c === undefined) continue;
    const plane = { ...named, c: named.c };
    const listed = byPosition.get(named.position)?.get(planeKey(plane));
    if (listed !== undefined && listed !== name && names.has(listed))
      twice ??= countedTwice(file, bothNames(listed, name));
    else if (listed === undefined && text.ended) unlisted ??= name;
    else if (listed === undefined) note(name, plane, named.position);
  }
  const found = [...byPosition].toSorted(([a], [b]) => a - b);
  return { byPosition: found.length === 0 ? [[0, new Map()]] : found, unlisted, twice };
}

export function planeKey({ t, c, z }: Plane): string {
  return `${t} ${c} ${z}`;
}

function placeOf(key: string): Plane {
  const [t = 0, c = 0, z = 0] = key.split(" ").map(Number);
  return { t, c, z };
}

/** The sizes that hold all of these planes, each at least 1. */
export function sizesOf(planes: PlaneNames): Plane {
  const sizes = { t: 1, c: 1, z: 1 };
  for (const place of planes.keys()) {
    const { t, c, z } = placeOf(place);
    sizes.t = Math.max(sizes.t, t + 1);
    sizes.c = Math.max(sizes.c, c + 1);
    sizes.z = Math.max(sizes.z, z + 1);
  }
  return sizes;
}

/** The name of a plane that lies beyond these sizes. */
export function beyond(planes: PlaneNames, lengths: Plane): string | undefined {
  for (const [key, name] of planes) {
    const { t, c, z } = placeOf(key);
    if (t >= lengths.t || c >= lengths.c || z >= lengths.z) return name;
  }
  return undefined;
}

function bothNames(one: string, other: string): string {
  const [first, second] = [one, other].toSorted();
  return `${JSON.stringify(first)} and ${JSON.stringify(second)}`;
}
