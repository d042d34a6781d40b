import { z } from "zod";
import type { Channel, Duration, PixelSize } from "../../core/acquisition.ts";
import { type EdgeError, formatError, unsupportedError } from "../../core/errors.ts";
import { isRecord, present } from "../../core/record.ts";
import { statedDuration, statedLength } from "../ome/units.ts";
import { shown } from "./array-parts.ts";
import { symbolOf } from "./ngff-units.ts";
import type { ZarrNode } from "./node.ts";

/** The images that a group describes: OME-Zarr 0.4 (https://ngff.openmicroscopy.org/0.4/) and 0.5. Pure. */

/** One image, by its description. */
export interface Multiscale {
  readonly name: string | undefined;
  /** Axes before Y and X, slowest first. */
  readonly letters: readonly ("t" | "c" | "z")[];
  /** Of the array with the full resolution, below the group. */
  readonly level: string;
  readonly pixelSize: PixelSize;
  readonly timeIncrement: Duration | undefined;
  readonly channels: readonly Channel[];
  readonly notes: readonly string[];
  /** The description itself, as JSON. */
  readonly text: string;
}

const versions: readonly string[] = ["0.4", "0.5"];

const transformations = z
  .array(z.looseObject({ type: z.string(), scale: z.array(z.number()).optional() }))
  .optional();

const schema = z.looseObject({
  name: z.unknown().optional(),
  version: z.unknown().optional(),
  axes: z
    .array(z.looseObject({ name: z.string(), type: z.string().optional(), unit: z.string().nullish() }))
    .min(2)
    .max(5),
  datasets: z.array(z.looseObject({ path: z.string(), coordinateTransformations: transformations })).min(1),
  coordinateTransformations: transformations,
});
type Stated = z.infer<typeof schema>;

const omeroSchema = z.looseObject({
  channels: z.array(z.looseObject({ label: z.unknown().optional() })),
});

/** Where version 0.5 has what it describes: under `ome`. Before, it was beside other attributes. */
export function omeAttributes({ format, attributes }: ZarrNode): Readonly<Record<string, unknown>> {
  const { ome } = attributes;
  if (format === 2) return attributes;
  return isRecord(ome) ? ome : {};
}

/** Whether a group describes images. */
export function isImageGroup(node: ZarrNode): boolean {
  return node.kind === "group" && omeAttributes(node)["multiscales"] !== undefined;
}

/** The images of a group, in their order; for one that is wrong, or of a kind that we do not read, its refusal. */
export function multiscalesOf(node: ZarrNode): readonly (Multiscale | EdgeError)[] {
  const ome = omeAttributes(node);
  const { multiscales } = ome;
  if (!Array.isArray(multiscales) || multiscales.length === 0) {
    return [damaged(node.file, "multiscales", shown(multiscales))];
  }
  return multiscales.map((one: unknown) => multiscaleOf(one, ome, node.file));
}

function multiscaleOf(
  one: unknown,
  ome: Readonly<Record<string, unknown>>,
  file: string,
): Multiscale | EdgeError {
  const { version = ome["version"], axes: statedAxes } = isRecord(one) ? one : {};
  if (version !== undefined && !versions.includes(String(version))) {
    return unread(file, "version", shown(version), versions.join(" or "));
  }
  if (
    statedAxes === undefined ||
    (Array.isArray(statedAxes) && statedAxes.every((axis) => typeof axis === "string"))
  ) {
    return unread(
      file,
      "axes",
      shown(statedAxes),
      "axes with names and types, as OME-Zarr has them from 0.4 on",
    );
  }
  const parsed = schema.safeParse(one);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return damaged(file, ["multiscales", ...(issue?.path ?? [])].join("."), issue?.message ?? "");
  }
  const { axes, datasets, name } = parsed.data;
  const names = axes.map((axis) => axis.name.toLowerCase());
  const letters = names.slice(0, -2);
  const isKnown = names.slice(-2).join("") === "yx" && letters.every(isBeforePlanes);
  if (!isKnown || new Set(letters).size < letters.length) {
    return unread(
      file,
      "axes",
      axes.map((axis) => axis.name).join(", "),
      "T, C and Z, as far as there are, then Y, X",
    );
  }
  const [{ path: level } = { path: "" }] = datasets;
  if (level.split("/").some((part) => part === "" || part === "." || part === "..") || level.includes("\0")) {
    return damaged(file, "multiscales.datasets.0.path", shown(level));
  }
  const { scales, wrong } = scalesOf(parsed.data);
  if (wrong !== undefined) return damaged(file, "coordinateTransformations", wrong);
  const omero = omeroSchema.safeParse(ome["omero"]);
  return {
    name: typeof name === "string" ? name : undefined,
    letters: letters.filter(isBeforePlanes),
    level,
    ...lengthsOf(parsed.data, scales),
    channels: omero.success
      ? omero.data.channels.map(({ label }): Channel => (typeof label === "string" ? { name: label } : {}))
      : [],
    text: JSON.stringify({ multiscales: [one], ...present({ omero: ome["omero"] }) }),
  };
}

function isBeforePlanes(name: string): name is "t" | "c" | "z" {
  return name === "t" || name === "c" || name === "z";
}

/** The scale of the full resolution along each axis: its own times that of all levels. */
function scalesOf({ axes, datasets, coordinateTransformations }: Stated) {
  const stated = [...(datasets[0]?.coordinateTransformations ?? []), ...(coordinateTransformations ?? [])];
  const scales = axes.map(() => 1);
  for (const { type, scale } of stated) {
    if (type !== "scale") continue;
    if (scale?.length !== axes.length)
      return { scales, wrong: `a scale of ${scale?.length ?? 0} axes for ${axes.length}` };
    for (const [axis, factor] of scale.entries()) scales[axis] = (scales[axis] ?? 1) * factor;
  }
  return { scales, wrong: undefined };
}

function lengthsOf({ axes }: Stated, scales: readonly number[]) {
  const notes: string[] = [];
  const found = new Map<string, { readonly scale: number; readonly unit: string }>();
  for (const [index, { name, unit }] of axes.entries()) {
    const scale = scales[index] ?? 1;
    const letter = name.toLowerCase();
    if (typeof unit === "string") found.set(letter, { scale, unit: symbolOf(unit) });
    else if (scale !== 1 && letter !== "c")
      notes.push(`the scale ${scale} of axis ${name} has no unit, and is not taken as a size`);
  }
  const length = (letter: string) => {
    const stated = found.get(letter);
    return stated && statedLength(stated.scale, stated.unit);
  };
  const t = found.get("t");
  return {
    pixelSize: present({ x: length("x"), y: length("y"), z: length("z") }) as PixelSize,
    timeIncrement: t && statedDuration(t.scale, t.unit),
    notes,
  };
}

function damaged(file: string, at: string, found: string): EdgeError {
  return formatError("the description of the OME-Zarr is damaged", {
    code: "zarr-description",
    file,
    at,
    found,
    remedy: "Wait until it is written completely, or write it again",
    retryable: true,
  });
}

function unread(file: string, at: string, found: string, allowed: string): EdgeError {
  return unsupportedError("this kind of OME-Zarr is not read", {
    code: "zarr-ome-kind",
    file,
    at,
    found,
    allowed,
    remedy: "Write it again as OME-Zarr 0.4 or 0.5, or export OME-TIFF",
  });
}
