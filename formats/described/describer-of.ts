import { stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { isEdgeError } from "../../core/errors.ts";
import { type ByteSource, openByteSource } from "../file/byte-source.ts";
import type { ReadLimits } from "../file/reading.ts";
import { isMadeByMetaMorph } from "../tiff/metamorph-series.ts";
import { microManagerPlace, microManagerText } from "./micro-manager-names.ts";
import { isNamedByNd, ndNameReader } from "./nd-text.ts";
import { readNdFile } from "./read-nd-file.ts";

/**
 * The name of the file that describes the set to which a TIFF belongs by its name, beside it; undefined where it belongs to none.
 * A file that MetaMorph wrote and named as one of many waits for its `.nd` file, which may come last.
 */
export async function describerOf(source: ByteSource, limits: ReadLimits): Promise<string | undefined> {
  const { file } = source;
  const name = basename(file);
  if (microManagerPlace(name) !== undefined) return microManagerText;
  const stems = ndStems(name);
  for (const stem of stems) {
    for (const ending of [".nd", ".ND"]) {
      if (await means(join(dirname(file), `${stem}${ending}`), stem, name)) return `${stem}${ending}`;
    }
  }
  const [stem] = stems;
  const isAwaited = stem !== undefined && !isOfPlate(name) && (await isMadeByMetaMorph(source, limits));
  return isAwaited ? `${stem}.nd` : undefined;
}

/** Whether there is an `.nd` file that means `name`. One that cannot be read, or not yet, may mean it. */
async function means(nd: string, stem: string, name: string): Promise<boolean> {
  if (!(await stat(nd).catch(() => undefined))?.isFile()) return false;
  let source: ByteSource | undefined;
  try {
    source = await openByteSource(nd);
    return ndNameReader(await readNdFile(source), stem)(name) !== undefined;
  } catch (error) {
    if (isEdgeError(error)) return true;
    throw error;
  } finally {
    await source?.close();
  }
}

/** What the `.nd` file of a name may be called, the shortest first. */
function ndStems(name: string): string[] {
  return [...name.matchAll(/_(?=[wst][0-9])/gi)]
    .map(({ index }) => name.slice(0, index))
    .filter((stem) => stem !== "" && isNamedByNd(stem, name));
}

/** Screening microscopes name files of plates so (`PLATE_A01_s1_w2GUID.tif`), without an `.nd` file. */
function isOfPlate(name: string): boolean {
  return /_[a-z]{1,2}[0-9]{2}(_s[0-9]+)?_w[0-9]/i.test(name);
}
