import { readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type EdgeError, formatError, unsupportedError } from "../../core/errors.ts";
import { present } from "../../core/record.ts";
import { elementCount } from "../../core/tensor.ts";
import { openError } from "../file/file-errors.ts";
import { statedDuration, statedLength } from "../ome/units.ts";
import type { FormatReader } from "../plane/plane-source.ts";
import { type DescribedImage, openDescribed, tooManyFiles } from "./described-set.ts";
import { microManagerName, microManagerPlace } from "./micro-manager-names.ts";
import { beyond, type PlaneNames, planeKey, planesOf, sizesOf } from "./micro-manager-planes.ts";
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
    const text = readMicroManager(bytes.toString("utf8"), file, limits.maxMembers);
    const asked = elementCount(Object.values(text.asked ?? {}));
    if (asked > limits.maxMembers) throw tooManyFiles(file, asked, limits.maxMembers);
    const names = await readdir(dirname(file)).catch((cause: unknown) => {
      throw openError(cause, dirname(file));
    });
    const images = imagesOf(text, file, new Set(names), limits.maxMembers);
    return openDescribed(file, images, limits, reading);
  },
};

/** `most`: so many files all positions together may have. Throws `EdgeError` where there are more. */
function imagesOf(
  text: MicroManagerText,
  file: string,
  names: ReadonlySet<string>,
  most: number,
): DescribedImage[] {
  const isByChannelName = [...names, ...text.planes.map(({ name }) => name)].some((name) => {
    const place = microManagerPlace(name);
    return place !== undefined && place.c === undefined;
  });
  const { byPosition, unlisted, twice } = planesOf(text, file, names);
  const positions = byPosition.map(([position, planes]) => ({
    position,
    planes,
    ...lengthsOf(text, planes),
  }));
  const count = positions.reduce((sum, { lengths: { t, c, z } }) => sum + t * c * z, 0);
  if (count > most) throw tooManyFiles(file, count, most);
  return positions.map(({ position, planes, lengths, endedEarly }): DescribedImage => {
    const missing: string[] = [];
    const files = new Set<string>();
    let doubled: EdgeError | undefined;
    for (let t = 0; t < lengths.t; t += 1) {
      for (let c = 0; c < lengths.c; c += 1) {
        for (let z = 0; z < lengths.z; z += 1) {
          const expected = microManagerName(
            { t, c, z, position },
            isByChannelName ? text.channelNames[c] : undefined,
          );
          const name = planes.get(planeKey({ t, c, z })) ?? expected;
          if (!names.has(name)) missing.push(name);
          // Where channels have the same name, so have their files.
          const path = join(dirname(file), name);
          if (files.has(path)) doubled ??= listedTwice(file, name);
          files.add(path);
        }
      }
    }
    const uncounted = beyond(planes, lengths) ?? unlisted;
    const isOpen = text.asked === undefined && !text.ended;
    const wrong = isOpen ? notEnded(file) : uncounted === undefined ? undefined : notCounted(file, uncounted);
    const notes = [`one acquisition of ${files.size} files, by metadata.txt`];
    if (endedEarly !== undefined) notes.push(endedEarly);
    return {
      grid: { lengths, files: [...files] },
      missing,
      refusal: twice ?? doubled ?? (missing.length > 0 && !isOpen ? undefined : wrong),
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

/** The sizes of a position; one that was ended after whole time points has these. */
function lengthsOf({ asked, ended }: MicroManagerText, planes: PlaneNames) {
  const found = sizesOf(planes);
  if (asked === undefined) return { lengths: found };
  const lengths = { ...asked, t: found.t };
  const isFull = planes.size === lengths.t * lengths.c * lengths.z && beyond(planes, lengths) === undefined;
  if (!ended || found.t >= asked.t || !isFull) return { lengths: asked };
  return {
    lengths,
    endedEarly: `the acquisition was ended after ${found.t} of ${asked.t} time points`,
  };
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

function listedTwice(file: string, name: string): EdgeError {
  return formatError("metadata.txt means one file for two planes", {
    code: "micro-manager-twice",
    file,
    found: JSON.stringify(name),
    remedy: "Copy it again, or read the files by a pattern (--pattern, folders[].pattern)",
    retryable: true,
  });
}
