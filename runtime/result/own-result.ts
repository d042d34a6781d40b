import { lstat } from "node:fs/promises";
import { provenancesIn } from "../../formats/ome/read-provenance.ts";
import { openAcquisition } from "../../formats/open.ts";
import { jobKey } from "./provenance.ts";

/** Whether `file` is a whole result that says of itself that the job `jobId` made it. False where nothing lies there. */
export async function isResultOf(jobId: string, file: string): Promise<boolean> {
  const facts = await lstat(file).catch(() => undefined);
  if (facts?.isFile() !== true) return false;
  const source = await openAcquisition(file).catch(() => undefined);
  if (source === undefined) return false;
  const { original } = source.acquisition;
  await source.close();
  if (original.kind !== "ome-xml") return false;
  // The last is the file's own; those before are of results that it was made from.
  const own = provenancesIn(original.xml).at(-1) ?? [];
  return own.some(([key, value]) => key === jobKey && value === jobId);
}
