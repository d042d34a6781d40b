/** How Micro-Manager names image files of one plane, and the text beside them that describes them. Pure. */

export const microManagerText = "metadata.txt";

/** Where a plane stands, from 0. */
export interface MicroManagerPlace {
  readonly t: number;
  /** undefined where the name has the channel's own name. */
  readonly c: number | undefined;
  readonly z: number;
  readonly position: number;
}

/** Version 2.0. */
const byIndex = /^img_channel([0-9]{3,9})_position([0-9]{3,9})_time([0-9]{9})_z([0-9]{3,9})\.tif$/i;
/** Version 1.4: the channel's name, in a folder for each position. */
const byChannelName = /^img_([0-9]{9})_.*_([0-9]{3,9})\.tif$/i;

/** undefined for a file that Micro-Manager does not name so. */
export function microManagerPlace(name: string): MicroManagerPlace | undefined {
  const [, c, position, t, z] = byIndex.exec(name) ?? [];
  if (c !== undefined) return { t: Number(t), c: Number(c), z: Number(z), position: Number(position) };
  const [, time, slice] = byChannelName.exec(name) ?? [];
  return time === undefined ? undefined : { t: Number(time), c: undefined, z: Number(slice), position: 0 };
}

/** The name of a plane, in the manner of those that are there. */
export function microManagerName(
  { t, c, z, position }: MicroManagerPlace & { readonly c: number },
  channelName: string | undefined,
): string {
  const digits = (value: number, count: number): string => String(value).padStart(count, "0");
  if (channelName !== undefined) return `img_${digits(t, 9)}_${channelName}_${digits(z, 3)}.tif`;
  return `img_channel${digits(c, 3)}_position${digits(position, 3)}_time${digits(t, 9)}_z${digits(z, 3)}.tif`;
}
