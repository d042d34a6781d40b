import { basename } from "node:path";
import type { ModelPackage } from "../../core/package-settings.ts";
import { statedTaskOf } from "../../export/package/stated-task.ts";
import { fittedName } from "../../formats/file/name-limit.ts";
import { imageStem } from "../../formats/image-name.ts";

/** How the names of our results end: `output` is that of a model whose description says that it does something else. */
export const resultEndings = { denoised: ".denoised.ome.tif", output: ".output.ome.tif" } as const;
export type ResultKind = keyof typeof resultEndings;

/** What a result is that these models took part in: no denoised image where one of them does something else. */
export function resultKindOf(models: readonly Pick<ModelPackage, "zoo" | "settings">[]): ResultKind {
  return models.some((model) => statedTaskOf(model).verdict === "something-else") ? "output" : "denoised";
}

/**
 * The name of an acquisition's result: `<stem>.denoised.ome.tif` (or `.output.ome.tif`), `.sN` before that for another
 * series than the first. One that is longer than `limitBytes` is shortened.
 */
export function resultName(
  source: string,
  { series, kind, limitBytes }: { series: number; kind: ResultKind; limitBytes: number },
): string {
  const name = basename(source);
  const stem = basename(imageStem(source));
  const ending = `${series === 0 ? "" : `.s${series}`}${resultEndings[kind]}`;
  return fittedName(stem === "" ? name : stem, ending, limitBytes);
}
