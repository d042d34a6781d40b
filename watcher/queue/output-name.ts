import { join } from "node:path";
import { fittedName } from "../../formats/file/name-limit.ts";
import { imageStem } from "../../formats/image-name.ts";
import { type ResultKind, resultEndings } from "../../runtime/job/result-name.ts";

/** How many numbered names a job may fall back on; each is only taken when another job has the one before. */
const numberedNames = 100;

/**
 * The names that a job's result may have, the first free one being taken: `<stem>.denoised.ome.tif` (`kind` decides) in
 * the same subfolder; with `.series-2` where the file has several, `.r2` for its second content where the first may have
 * left a result, the source's full name where two sources share a stem (`a.tif`, `a.ome.tif`), and a number where even
 * that is taken. A name that is longer than `limitBytes` is shortened. Pure.
 */
export function outputNames(
  folder: string,
  job: { source: string; series: number; seriesCount: number; revision: number; hasEarlierResult?: true },
  kind: ResultKind,
  limitBytes: number,
): string[] {
  const series = job.seriesCount > 1 ? `.series-${job.series}` : "";
  const revision = job.hasEarlierResult ? `.r${job.revision}` : "";
  const name = (stem: string, number = ""): string => {
    const folders = stem.split("/");
    const last = folders.pop() ?? "";
    const ending = `${number}${series}${revision}${resultEndings[kind]}`;
    return join(
      folder,
      ...folders.map((one) => fittedName(one, "", limitBytes)),
      fittedName(last, ending, limitBytes),
    );
  };
  const numbered = Array.from({ length: numberedNames }, (_, index) => name(job.source, `-${index + 2}`));
  return [name(imageStem(job.source)), name(job.source), ...numbered];
}
