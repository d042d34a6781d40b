import type { Acquisition } from "../../core/acquisition.ts";
import { openAcquisition } from "../../formats/open.ts";

/** What one image of a file is, once its whole structure is checked. Throws `EdgeError` where it cannot be read. */
export async function describeImage(file: string, signal: AbortSignal, series = 0): Promise<Acquisition> {
  const source = await openAcquisition(file, { series, signal });
  await source.close();
  return source.acquisition;
}
