import { readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type EdgeError, formatError, unsupportedError } from "../../core/errors.ts";
import { present } from "../../core/record.ts";
import { openError } from "../file/file-errors.ts";
import { statedDuration, statedLength } from "../ome/units.ts";
import type { FormatReader } from "../plane/plane-source.ts";
import { type DescribedImage, openDescribed, tooManyFiles } from "./described-set.ts";
import { microManagerName, microManagerPlace } from "./micro-manager-names.ts";
import { looksLikeMicroManager, type MicroManagerText, readMicroManager } from "./micro-manager-text.ts";

/** An entry for each plane takes some kilobytes. */
const longestTextBytes = 64 * 2 ** 20;

/**
 * Reads Micro-Manager's separate image files (1.4 and 2.0) from the `metadata.txt` beside them. Each position of one folder is an
 * image; Micro-Manager gives each position a folder of its own.
 */
export const microManagerReader: FormatReader = {
  recognises: (head) => looksLikeMicroManager(new TextDecoder().decode(head.subarray(0, 256))),
  async find(source, limits, reading) {
    const { file, size } = source;
    if (size > longestTextBytes) {
      throw unsupportedError("Micro-Manager's metadata are larger than is allowed", {
        code: "micro-manager-size",
        file,
        found: `${size} bytes`,
        allowed: `${longestTextBytes} bytes`,
        remedy: "Save the acquisition as image stack files (OME-TIFF)",
      });
    }
    const bytes = Buffer.alloc(size);
    await source.readInto(bytes, 0);
    const text = readMicroManager(bytes.toString("utf8"), file);
    const count = text.asked === undefined ? text.planes.length : text.asked.t * text.asked.c * text.asked.z;
    if (count > limits.maxMembers) throw tooManyFiles(file, count, limits.maxMembers);
    const names = await readdir(dirname(file)).catch((cause: unknown) => {
      throw openError(cause, dirname(file));
    });
    return openDescribed(file, imagesOf(text, file, new Set(names)), limits, reading);
  },
};

interface Plane {
  readonly t: number;
  readonly c: number;
  readonly z: number;
}

function imagesOf(text: MicroManagerText, file: string, names: ReadonlySet<string>): DescribedImage[] {
  const byPosition = new Map<number, Map<string, string>>();
  const isByChannelName = [...names, ...text.planes.map(({ name }) => name)].some((name) => {
    const place = microManagerPlace(name);
    return place !== undefined && place.c === undefined;
  });
  const note = (name: string, plane: Plane, position: number): void => {
    const planes = byPosition.get(position) ?? new Map<string, string>();
    byPosition.set(position, planes.set(key(plane), name));
  };
  for (const { name, place } of text.planes) {
    const named = microManagerPlace(name);
    if (place !== undefined && named?.c === undefined) {
      note(name, place, 0);
    } else if (named?.c !== undefined) note(name, { ...named, c: named.c }, named.position);
  }
  // The line of a plane is written after its file.
  const unlisted: string[] = [];
  for (const name of names) {
    const named = microManagerPlace(name);
    if (named?.c !== undefined && !byPosition.get(named.position)?.has(key({ ...named, c: named.c }))) {
      if (text.ended) unlisted.push(name);
      else note(name, { ...named, c: named.c }, named.position);
    }
  }
  const positions =
    byPosition.size === 0
      ? [[0, new Map<string, string>()] as const]
      : [...byPosition].toSorted(([a], [b]) => a - b);
  return positions.map(([position, planes]): DescribedImage => {
    const found = sizesOf(planes.keys());
    const stopped =
      text.ended &&
      text.asked !== undefined &&
      found.t < text.asked.t &&
      isFull(planes, { ...text.asked, t: found.t });
    const asked = text.asked ?? found;
    const lengths = stopped ? { ...asked, t: found.t } : asked;
    const missing: string[] = [];
    const files: string[] = [];
    for (let t = 0; t < lengths.t; t += 1) {
      for (let c = 0; c < lengths.c; c += 1) {
        for (let z = 0; z < lengths.z; z += 1) {
          const expected = microManagerName(
            { t, c, z, position },
            isByChannelName ? text.channelNames[c] : undefined,
          );
          const name = planes.get(key({ t, c, z })) ?? expected;
          if (!names.has(name)) missing.push(name);
          files.push(join(dirname(file), name));
        }
      }
    }
    const beyond = [...planes].find(([place]) => isBeyond(place, lengths))?.[1] ?? unlisted[0];
    const isOpen = text.asked === undefined && !text.ended;
    const wrong = isOpen ? notEnded(file) : beyond === undefined ? undefined : notCounted(file, beyond);
    const notes = [`one acquisition of ${files.length} files, by metadata.txt`];
    if (stopped) notes.push(`the acquisition was ended after ${found.t} of ${asked.t} time points`);
    return {
      grid: { lengths, files },
      missing,
      refusal: missing.length > 0 && !isOpen ? undefined : wrong,
      facts: {
        planesInZ: 1,
        channels: Array.from({ length: lengths.c }, (_, c) => present({ name: text.channelNames[c] })),
        pixelSize: present({
          x: length(text.pixelSizeUm),
          y: length(text.pixelSizeUm),
          z: length(text.zStepUm),
        }),
        ...present({
          timeIncrement: text.intervalMs === undefined ? undefined : statedDuration(text.intervalMs, "ms"),
        }),
        notes,
      },
    };
  });
}

const length = (um: number | undefined) => (um === undefined ? undefined : statedLength(um, "µm"));

function key({ t, c, z }: Plane): string {
  return `${t} ${c} ${z}`;
}

function placeOf(of: string): Plane {
  const [t = 0, c = 0, z = 0] = of.split(" ").map(Number);
  return { t, c, z };
}

function sizesOf(places: Iterable<string>): Plane {
  const sizes = { t: 1, c: 1, z: 1 };
  for (const place of places) {
    const { t, c, z } = placeOf(place);
    sizes.t = Math.max(sizes.t, t + 1);
    sizes.c = Math.max(sizes.c, c + 1);
    sizes.z = Math.max(sizes.z, z + 1);
  }
  return sizes;
}

function isBeyond(of: string, lengths: Plane): boolean {
  const { t, c, z } = placeOf(of);
  return t >= lengths.t || c >= lengths.c || z >= lengths.z;
}

function isFull(planes: ReadonlyMap<string, string>, lengths: Plane): boolean {
  return (
    planes.size === lengths.t * lengths.c * lengths.z &&
    ![...planes.keys()].some((one) => isBeyond(one, lengths))
  );
}

function notEnded(file: string): EdgeError {
  return formatError(
    "the acquisition has not ended: its metadata.txt is not closed and does not say how many planes come",
    {
      code: "micro-manager-open",
      file,
      remedy:
        "Wait until it has ended. After a crash, read the files by a pattern (--pattern, folders[].pattern)",
      retryable: true,
    },
  );
}

function notCounted(file: string, name: string): EdgeError {
  return formatError("there are planes that metadata.txt does not count", {
    code: "micro-manager-uncounted",
    file,
    found: JSON.stringify(name),
    remedy: "Put the files of each acquisition into a folder of their own",
    retryable: true,
  });
}
