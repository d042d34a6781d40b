import { readdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { PixelSize } from "../../core/acquisition.ts";
import { present } from "../../core/record.ts";
import { openError } from "../file/file-errors.ts";
import { statedLength } from "../ome/units.ts";
import type { FormatReader } from "../plane/plane-source.ts";
import { metaMorphPixelSize } from "../tiff/metamorph-calibration.ts";
import { countedTwice, type DescribedImage, openDescribed, tooManyFiles } from "./described-set.ts";
import { looksLikeNd, type NdNumbers, type NdText, ndNameReader } from "./nd-text.ts";
import { readNdFile } from "./read-nd-file.ts";

/**
 * Reads a MetaMorph acquisition from its `.nd` file: a file for each wavelength, stage position and time point, with the planes of
 * its Z series. Each stage position is an image; where some wavelengths have no Z series, these are an image of their own.
 */
export const ndReader: FormatReader = {
  recognises: (head) => looksLikeNd(new TextDecoder("latin1").decode(head.subarray(0, 64))),
  async find(source, limits, reading) {
    const { file } = source;
    const nd = await readNdFile(source);
    const count = nd.timePoints * nd.stages.length * nd.waves.length;
    if (count > limits.maxMembers) throw tooManyFiles(file, count, limits.maxMembers);
    const names = await readdir(dirname(file)).catch((cause: unknown) => {
      throw openError(cause, dirname(file));
    });
    const images = imagesOf(nd, file, names);
    const first = images.some(({ missing }) => missing.length > 0) ? undefined : images[0]?.grid.files[0];
    const pixelSize = first === undefined ? {} : await metaMorphPixelSize(first, limits);
    return openDescribed(
      file,
      images.map((image) => calibrated(image, pixelSize)),
      limits,
      reading,
    );
  },
};

function imagesOf(nd: NdText, file: string, names: readonly string[]): DescribedImage[] {
  const stem = basename(file).replace(/\.nd$/i, "");
  const read = ndNameReader(nd, stem);
  const found = new Map<string, string>();
  const twice: string[] = [];
  for (const name of names.toSorted()) {
    const numbers = read(name);
    if (numbers === undefined) continue;
    const other = found.get(key(numbers));
    if (other !== undefined) twice.push(`${JSON.stringify(other)} and ${JSON.stringify(name)}`);
    found.set(key(numbers), name);
  }
  const ending = /\.[^.]+$/.exec([...found.values()][0] ?? "")?.[0] ?? ".TIF";
  const zStep = nd.zStepUm === undefined ? undefined : statedLength(nd.zStepUm, "µm");
  const groups = [true, false].map((inZ) =>
    nd.waves.flatMap((wave, w) => (inZ === (wave.inZ && nd.zSteps > 1) ? [w + 1] : [])),
  );
  return nd.stages.flatMap((stage, s) =>
    groups
      .filter((waves) => waves.length > 0)
      .map((waves): DescribedImage => {
        const inZ = waves[0] !== undefined && nd.waves[waves[0] - 1]?.inZ === true && nd.zSteps > 1;
        const missing: string[] = [];
        const files = Array.from({ length: nd.timePoints }, (_, t) =>
          waves.map((w) => {
            const numbers = { w, s: s + 1, t: t + 1 };
            const name = found.get(key(numbers));
            if (name === undefined) missing.push(`${stem}${expectedParts(nd, numbers)}${ending}`);
            return join(dirname(file), name ?? missing.at(-1) ?? "");
          }),
        ).flat();
        const title = [stem, stage].filter((part) => part !== "").join(" ");
        const split = groups.every((group) => group.length > 0);
        return {
          grid: { lengths: { t: nd.timePoints, c: waves.length, z: 1 }, files },
          missing,
          refusal: twice[0] === undefined ? undefined : countedTwice(file, twice[0]),
          facts: {
            name: split ? `${title} ${inZ ? "Z series" : "single planes"}` : title,
            planesInZ: inZ ? nd.zSteps : 1,
            channels: waves.map((w) => present({ name: nd.waves[w - 1]?.name || undefined })),
            pixelSize: present({ z: inZ ? zStep : undefined }),
            notes: [`one acquisition of ${files.length} files, by ${basename(file)}`],
          },
        };
      }),
  );
}

function calibrated(image: DescribedImage, pixelSize: PixelSize): DescribedImage {
  return { ...image, facts: { ...image.facts, pixelSize: { ...pixelSize, ...image.facts.pixelSize } } };
}

function key({ w, s, t }: NdNumbers): string {
  return `${w} ${s} ${t}`;
}

function expectedParts({ inNames, waves }: NdText, { w, s, t }: NdNumbers): string {
  const wave = inNames.w ? `_w${w}${waves[w - 1]?.name ?? ""}` : "";
  return `${wave}${inNames.s ? `_s${s}` : ""}${inNames.t ? `_t${t}` : ""}`;
}
