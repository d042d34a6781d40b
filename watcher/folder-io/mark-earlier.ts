import { readFile, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { FileAccess } from "../../formats/file/atomic-file.ts";
import { imageStem } from "../../formats/image-name.ts";
import { jobKey, readStatedResult } from "../../runtime/result/provenance.ts";
import { isGone } from "./is-gone.ts";
import { supersededEnding } from "./own-result.ts";
import { markSuperseded, newerResultIn } from "./supersede-result.ts";

/** Results of a source of which a new ledger does not know: they are found by their names, and by what they state. */

export interface MarkOrder {
  /** The result of the content that lies there now, absolute. */
  readonly output: string;
  /** Also those that are marked already: the results that their marks name may be removed. */
  readonly anew: boolean;
}

/** So many contents of one source are looked for. */
const mostContents = 50;

/**
 * Marks all other results of the source of `output` that the daemon made, and takes its own mark away where it has one. Each
 * step may be the last one: done again, it ends in the same way. Throws what the system throws.
 */
export async function markEarlier({ output, anew }: MarkOrder, access: FileAccess): Promise<void> {
  const own = await readStatedResult(output);
  const [source, series, job, sourceSha256] = ["Source file", "Source series", jobKey, "Source sha256"].map(
    (key) => own?.stated.get(key),
  );
  if (source === undefined || job === undefined || sourceSha256 === undefined) return;
  for (const other of namesBeside(output, source)) {
    if (other === output || (await isGone(other))) continue;
    if (!anew && (await namesStanding(other))) continue;
    const stated = (await readStatedResult(other))?.stated;
    const itsJob = stated?.get(jobKey);
    const isOfSource = stated?.get("Source file") === source && stated.get("Source series") === series;
    if (!isOfSource || itsJob === undefined) continue;
    await markSuperseded({ output: other, job: itsJob }, { output, job, sourceSha256 }, access);
  }
  // Last: until then one of them is the newest.
  await rm(output + supersededEnding, { force: true });
}

/** The names that results of other contents of a source have, beside one of its results. Pure. */
function namesBeside(output: string, source: string): readonly string[] {
  const found = /^(.*?)((?:\.series-\d+)?)(?:\.r\d+)?(\.(?:denoised|output)\.ome\.tif)$/.exec(
    basename(output),
  );
  if (found === null) return [];
  const [, , series = "", ending = ""] = found;
  const revisions = Array.from({ length: mostContents }, (_, index) => (index === 0 ? "" : `.r${index + 1}`));
  return [imageStem(source), source].flatMap((stem) =>
    revisions.map((revision) => join(dirname(output), `${stem}${series}${revision}${ending}`)),
  );
}

/** Whether a result is marked with the name of one that stands. */
async function namesStanding(output: string): Promise<boolean> {
  const text = await readFile(output + supersededEnding, "utf8").catch(() => "");
  const named = newerResultIn(text);
  return named !== undefined && !(await isGone(join(dirname(output), named)));
}
