import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { buildTiff, numberedPages } from "../build-tiff.ts";

/** An acquisition as Micro-Manager is asked for it, and how far it went. */
export interface MicroManagerSet {
  readonly version: "1.4" | "2.0";
  readonly t: number;
  readonly c: number;
  readonly z: number;
  /** So many planes are written and listed; all where absent. */
  readonly planes?: number;
  /** Whether the text is closed. */
  readonly ended?: boolean;
  /** Width and height of a plane. */
  readonly size?: readonly [number, number];
  /** Whether its summary states the sizes. */
  readonly stated?: boolean;
}

const channels = ["Cy3", "DAPI", "GFP"];

/** Writes the planes and `metadata.txt`. A plane's samples are 100 time + 10 channel + plane + 1. */
export async function writeMicroManager(folder: string, set: MicroManagerSet) {
  const { version, t, c, z, planes = t * c * z, ended = true, stated = true, size = [4, 3] } = set;
  await mkdir(folder, { recursive: true });
  const names: string[] = [];
  const entries: string[] = [];
  for (let index = 0; index < planes; index += 1) {
    const place = { t: Math.floor(index / (c * z)), c: Math.floor(index / z) % c, z: index % z };
    const name = planeName(version, place);
    names.push(name);
    const [page] = numberedPages(1, ...size, 100 * place.t + 10 * place.c + place.z + 1);
    if (page !== undefined) await writeFile(join(folder, name), buildTiff([page]));
    const facts = { PixelSizeUm: 0.325, Note: 'a "}" in text', FileName: name };
    const key = version === "1.4" ? `FrameKey-${place.t}-${place.c}-${place.z}` : `Metadata-Default/${name}`;
    if (version === "2.0") entries.push(`"Coords-Default/${name}": {"Frame": ${place.t}}`);
    entries.push(`"${key}": ${JSON.stringify(facts, undefined, 2)}`);
  }
  const summary = {
    MicroManagerVersion: version,
    ...(stated && { Frames: t, Channels: c, Slices: z, Positions: 1 }),
    ChNames: channels.slice(0, c),
    "z-step_um": -1.5,
    Interval_ms: 500,
    Prefix: "exp",
  };
  const text = `{\n"Summary": ${JSON.stringify(summary, undefined, 2)},\n${entries.join(",\n")}${ended ? "\n}\n" : ",\n"}`;
  await writeFile(join(folder, "metadata.txt"), text);
  return { metadata: join(folder, "metadata.txt"), names };
}

function planeName(version: "1.4" | "2.0", place: { t: number; c: number; z: number }): string {
  const digits = (value: number, count: number): string => String(value).padStart(count, "0");
  return version === "1.4"
    ? `img_${digits(place.t, 9)}_${channels[place.c]}_${digits(place.z, 3)}.tif`
    : `img_channel${digits(place.c, 3)}_position000_time${digits(place.t, 9)}_z${digits(place.z, 3)}.tif`;
}
