import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { buildTiff, numberedPages } from "../build-tiff.ts";

/** What a made `.nd` file says; what is absent is switched off in it. */
export interface NdSet {
  readonly timePoints?: number;
  readonly stages?: readonly string[];
  readonly waves?: readonly string[];
  /** Whether names of wavelengths stand in the names of files. */
  readonly named?: boolean;
  readonly zSteps?: number;
  readonly zStep?: string;
  /** Width and height of a plane. */
  readonly size?: readonly [number, number];
  /** Wavelengths, from 1, whose files are single planes. */
  readonly withoutZ?: readonly number[];
}

export function ndText({
  timePoints,
  stages,
  waves,
  named = true,
  zSteps,
  zStep = "0.3",
  withoutZ = [],
}: NdSet): string {
  const flag = (is: boolean): string => (is ? "TRUE" : "FALSE");
  return [
    '"NDInfoFile", Version 1.0',
    '"Description", made for a test,',
    "and its second line",
    '"StartTime1", 20240816 09:49:42.978',
    `"DoTimelapse", ${flag(timePoints !== undefined)}`,
    ...(timePoints === undefined ? [] : [`"NTimePoints", ${timePoints}`]),
    `"DoStage", ${flag(stages !== undefined)}`,
    ...(stages === undefined ? [] : [`"NStagePositions", ${stages.length}`]),
    ...(stages ?? []).map((name, index) => `"Stage${index + 1}", "${name}"`),
    `"DoWave", ${flag(waves !== undefined)}`,
    ...(waves === undefined ? [] : [`"NWavelengths", ${waves.length}`]),
    ...(waves ?? []).flatMap((name, index) => [
      `"WaveName${index + 1}", "${name}"`,
      `"WaveDoZ${index + 1}", ${flag(zSteps !== undefined && !withoutZ.includes(index + 1))}`,
    ]),
    `"DoZSeries", ${flag(zSteps !== undefined)}`,
    ...(zSteps === undefined ? [] : [`"NZSteps", ${zSteps}`, `"ZStepSize", ${zStep}`]),
    `"WaveInFileName", ${flag(named)}`,
    '"EndFile"',
    "",
  ].join("\r\n");
}

/** The files of a set but for those `without`, and its `.nd` file. A plane's samples are 1000 stage + 100 time + 10 wavelength + plane. */
export async function writeNdSet(folder: string, stem: string, set: NdSet, without: readonly string[] = []) {
  const names: string[] = [];
  for (let t = 1; t <= (set.timePoints ?? 1); t += 1) {
    for (let s = 1; s <= (set.stages?.length ?? 1); s += 1) {
      for (let w = 1; w <= (set.waves?.length ?? 1); w += 1) {
        const wave = (set.named ?? true) ? (set.waves?.[w - 1] ?? "").replace(/[/_]/g, "-") : "";
        const name = `${stem}${set.waves ? `_w${w}${wave}` : ""}${set.stages ? `_s${s}` : ""}${set.timePoints ? `_t${t}` : ""}.TIF`;
        if (without.includes(name)) continue;
        names.push(name);
        const planes = set.withoutZ?.includes(w) ? 1 : (set.zSteps ?? 1);
        const [width, height] = set.size ?? [4, 3];
        const pages = numberedPages(planes, width, height, 1000 * s + 100 * t + 10 * w);
        // MetaMorph's tag for each plane.
        const fields = { 33629: pages.map(() => 0) };
        await writeFile(join(folder, name), buildTiff(pages.map((page) => ({ ...page, fields }))));
      }
    }
  }
  const nd = join(folder, `${stem}.nd`);
  await writeFile(nd, ndText(set));
  return { nd, names };
}
