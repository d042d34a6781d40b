import type { Acquisition } from "../../core/acquisition.ts";
import type { EdgeError } from "../../core/errors.ts";
import { openFile, refusalOf } from "../../formats/open.ts";

/** All images of a file, those that are refused by their reason. Throws `EdgeError` where none is read. */
export async function describedFile(file: string): Promise<readonly (Acquisition | EdgeError)[]> {
  const opened = await openFile(file);
  await opened.close();
  const refusal = refusalOf(opened);
  if (refusal !== undefined) throw refusal;
  return opened.series.map((series) => ("refusal" in series ? series.refusal : series.acquisition));
}
