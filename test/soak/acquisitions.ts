import { buildTiff } from "../formats/build-tiff.ts";
import { buildLif } from "../formats/lif/build-lif.ts";
import type { Below } from "../hostile/mutate-bytes.ts";
import { describedSet } from "../watcher/described-set.ts";

/** How a writer brings its files; each is one that a facility has. */
export const manners = [
  "renamed",
  "slow",
  "reserved",
  "backwards",
  "reopened",
  "set",
  "lif",
  "pages",
  "replaced",
  "again",
  "crashed",
] as const;
export type Manner = (typeof manners)[number];

export type NamedFile = readonly [name: string, bytes: Buffer];

/** What one writer is going to do, and what has to come of it. */
export interface PlannedAcquisition {
  readonly manner: Manner;
  /** Below its watch folder; no other acquisition has files there. */
  readonly place: string;
  /** Its files, complete at the end of each stage. A later stage has other content, except where the manner is `again`. */
  readonly stages: readonly (readonly NamedFile[])[];
  /** The file that stands for it, below the watch folder. */
  readonly source: string;
  /** How many images it has: results at the end. A writer that crashed leaves none. */
  readonly images: number;
}

/** The acquisition `number` of a run. Its content is not repeated: `number` is its first sample. */
export function planAcquisition(number: number, manner: Manner, below: Below): PlannedAcquisition {
  const place = `${manner}-${String(number).padStart(4, "0")}`;
  const one = (...contents: readonly Buffer[]): PlannedAcquisition => ({
    manner,
    place,
    stages: contents.map((bytes) => [["stack.tif", bytes] as const]),
    source: `${place}/stack.tif`,
    images: 1,
  });
  const pages = Array.from({ length: 4 + below(5) }, (_, z) => randomPage(number, z, below));
  const whole = buildTiff(pages);
  switch (manner) {
    case "set": {
      const described = (["each", "first", "companion"] as const)[below(3)] ?? "each";
      const files = describedSet(3 + below(4), described);
      const source = described === "companion" ? "S.companion.ome" : (files[0]?.[0] ?? "");
      return { manner, place, stages: [files], source: `${place}/${source}`, images: 1 };
    }
    case "lif": {
      const images = Array.from({ length: 1 + below(3) }, (_, index) => lifImage(number, index, below));
      return {
        manner,
        place,
        stages: [[["project.lif", buildLif(images)]]],
        source: `${place}/project.lif`,
        images: images.length,
      };
    }
    case "pages":
      return one(buildTiff(pages.slice(0, 2)), buildTiff(pages.slice(0, 3)), whole);
    case "replaced":
      return one(whole, buildTiff(pages.map((_, z) => randomPage(number, 100 + z, below))));
    case "again":
      return one(whole, whole);
    case "crashed":
      return { ...one(whole.subarray(0, Math.floor((whole.length * (20 + below(70))) / 100))), images: 0 };
    default:
      return one(whole);
  }
}

const side = 32;

function randomPage(number: number, z: number, below: Below) {
  const samples = Uint16Array.from({ length: side * side }, () => 100 + below(1000));
  samples.set([number, z]);
  return { width: side, length: side, bytes: new Uint8Array(samples.buffer) };
}

function lifImage(number: number, index: number, below: Below) {
  const samples = Buffer.from(Array.from({ length: 4 * side * side }, () => 1 + below(200)));
  samples.writeUInt32LE(number + 1);
  return {
    name: `image ${index}`,
    dimensions: [
      { id: 1, count: side, bytesInc: 1 },
      { id: 2, count: side, bytesInc: side },
      { id: 3, count: 4, bytesInc: side * side },
    ],
    channels: [{ bits: 8, bytesInc: 0 }],
    samples,
  };
}
