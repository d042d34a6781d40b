import { type EdgeError, unsupportedError } from "../../core/errors.ts";
import { naturally } from "../../core/natural-order.ts";
import type { NdTiffEntry } from "./index-entries.ts";

/** Which plane each entry of an index is. Pure. */

/** One position of the stage: an image. */
export interface NdTiffPosition {
  /** undefined where the acquisition has one position without a name. */
  readonly name: string | undefined;
  readonly lengths: { readonly t: number; readonly c: number; readonly z: number };
  /** Names of the channels; of one that has a number only, undefined. */
  readonly channels: readonly (string | undefined)[];
  /** By place in T, C, Z order; nothing where the acquisition has no such plane. */
  readonly planes: ReadonlyMap<number, NdTiffEntry>;
}

const known: readonly string[] = ["time", "channel", "z", "position"];

/**
 * All positions, each with the T, C and Z that any of them has. Times begin at 0, planes at the lowest. `channelNames`: in the order of the
 * summary. Throws `EdgeError` where there are other axes, where an axis has names and numbers, and where there are more planes than `mostPlanes`.
 */
export function positionsOf(
  entries: readonly NdTiffEntry[],
  channelNames: readonly string[],
  file: string,
  mostPlanes: number,
): readonly NdTiffPosition[] {
  refuseOtherAxes(entries, file);
  const channels = channelsOf(entries, channelNames, file);
  const times = rangeOf(entries, "time", file);
  const depths = rangeOf(entries, "z", file);
  const firstTime = Math.min(0, times.first);
  const lengths = { t: times.last - firstTime + 1, c: channels.length, z: depths.last - depths.first + 1 };
  const places = [...new Set(entries.map(({ axes }) => axes["position"] ?? 0))].sort((one, other) =>
    naturally.compare(String(one), String(other)),
  );
  const planes = lengths.t * lengths.c * lengths.z;
  if (planes > mostPlanes)
    throw tooLarge(file, `${lengths.t} x ${lengths.c} x ${lengths.z} planes`, mostPlanes);
  const byPosition = new Map(places.map((place) => [place, new Map<number, NdTiffEntry>()]));
  const channelPlaces = new Map(channels.map((channel, place) => [channel, place]));
  for (const entry of entries) {
    const { time, channel = 0, z, position = 0 } = entry.axes;
    const t = Number(time ?? 0) - firstTime;
    const c = channelPlaces.get(channel) ?? 0;
    // An image that was taken again stands behind the first in the index.
    byPosition.get(position)?.set((t * lengths.c + c) * lengths.z + Number(z ?? 0) - depths.first, entry);
  }
  const isNamed = places.length > 1 || typeof places[0] === "string";
  return places.map((place) => ({
    name: isNamed ? (typeof place === "string" ? place : `position ${place}`) : undefined,
    lengths,
    channels: channels.map((channel) => (typeof channel === "string" ? channel : channelNames[channel])),
    planes: byPosition.get(place) ?? new Map(),
  }));
}

/** Axes of other names that have more than one value: what they mean is not known. */
function refuseOtherAxes(entries: readonly NdTiffEntry[], file: string): void {
  const values = new Map<string, string | number>();
  for (const { axes } of entries) {
    for (const [name, value] of Object.entries(axes)) {
      if (known.includes(name)) continue;
      const first = values.get(name) ?? value;
      values.set(name, first);
      if (first === value) continue;
      throw unsupportedError("the NDTiff has an axis that is not read", {
        code: "ndtiff-axis",
        file,
        found: `${JSON.stringify(name)} with ${JSON.stringify(first)} and ${JSON.stringify(value)}`,
        allowed: known.join(", "),
        remedy: "Export it as OME-TIFF, one file for each value of that axis",
      });
    }
  }
}

/** Those of the summary first, in its order; then others as they come. Numbers in their order. */
function channelsOf(
  entries: readonly NdTiffEntry[],
  channelNames: readonly string[],
  file: string,
): readonly (string | number)[] {
  const found = new Set(entries.map(({ axes }) => axes["channel"] ?? 0));
  const numbers = [...found].filter((one) => typeof one === "number");
  if (numbers.length > 0 && numbers.length < found.size) throw mixed(file, "channel", [...found]);
  if (numbers.length === 0)
    return [...new Set([...channelNames.filter((name) => found.has(name)), ...found])];
  const { first, last } = rangeOf(entries, "channel", file);
  const lowest = Math.min(0, first);
  if (last - lowest >= mostChannels) throw tooLarge(file, `channels ${lowest} to ${last}`, mostChannels);
  return Array.from({ length: last - lowest + 1 }, (_, place) => lowest + place);
}

const mostChannels = 4096;

/** The lowest and the highest value of an axis of numbers; 0 where an entry does not have it. */
function rangeOf(entries: readonly NdTiffEntry[], axis: string, file: string) {
  let first = Number.POSITIVE_INFINITY;
  let last = Number.NEGATIVE_INFINITY;
  for (const { axes } of entries) {
    const value = axes[axis] ?? 0;
    if (typeof value === "string") throw mixed(file, axis, [value]);
    first = Math.min(first, value);
    last = Math.max(last, value);
  }
  return { first, last };
}

function mixed(file: string, axis: string, found: readonly (string | number)[]): EdgeError {
  return unsupportedError(`the axis ${axis} of the NDTiff is not read`, {
    code: "ndtiff-axis",
    file,
    found: found
      .slice(0, 3)
      .map((one) => JSON.stringify(one))
      .join(", "),
    allowed: axis === "channel" ? "names or numbers, not both" : "numbers",
    remedy: "Export it as OME-TIFF",
  });
}

function tooLarge(file: string, found: string, most: number): EdgeError {
  return unsupportedError("the NDTiff is larger than is allowed", {
    code: "ndtiff-large",
    file,
    found,
    allowed: String(most),
    remedy: "Split the acquisition",
  });
}
