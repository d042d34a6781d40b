import { SaxesParser } from "saxes";
import type { Acquisition } from "../../core/acquisition.ts";
import { statedDuration } from "../../formats/ome/units.ts";

/**
 * Seconds that one scan of a field takes in one channel, as the file itself states it; undefined where it does not.
 * OME-XML: the exposure times of the first stack's planes, added (`Plane`, attribute ExposureTime, in s where no unit is
 * named; OME schema 2016-06). ScanImage's header: `scanFramePeriod` (s), times the planes. Other programs write dwell
 * times and averages under names of their own, in units of their own: `--scan-time` says it.
 */
export function statedScanTimeS({ original, sizes }: Acquisition, channel: number): number | undefined {
  if (original.kind === "ome-xml") {
    const exposures = exposuresOf(original.xml, original.imageIndex, channel);
    const known = Array.from({ length: sizes.z }, (_, z) => exposures.get(z));
    const sum = known.reduce<number>((total, seconds) => total + (seconds ?? Number.NaN), 0);
    return sum > 0 ? sum : undefined;
  }
  if (original.kind === "text") {
    const period = /\bscanFramePeriod\s*=\s*([\d.eE+-]+)/.exec(original.text)?.[1];
    const seconds = sizes.z * Number(period);
    return seconds > 0 ? seconds : undefined;
  }
  return undefined;
}

/** Exposure in seconds by Z, of the first time point. A description that cannot be read to its end states nothing. */
function exposuresOf(xml: string, imageIndex: number, channel: number): Map<number, number> {
  const exposures = new Map<number, number>();
  let image = -1;
  const parser = new SaxesParser();
  parser.on("opentag", ({ name, attributes }) => {
    const element = name.slice(name.indexOf(":") + 1);
    if (element === "Image") image += 1;
    if (element !== "Plane" || image !== imageIndex) return;
    const { TheC, TheT, TheZ, ExposureTime, ExposureTimeUnit } = attributes;
    if (Number(TheC) !== channel || Number(TheT) !== 0 || ExposureTime === undefined) return;
    const seconds = statedDuration(Number(ExposureTime), ExposureTimeUnit ?? "s")?.s;
    if (seconds !== undefined && seconds > 0) exposures.set(Number(TheZ), seconds);
  });
  try {
    parser.write(xml.replace(/^\uFEFF/, "")).close();
  } catch {
    exposures.clear();
  }
  return exposures;
}
