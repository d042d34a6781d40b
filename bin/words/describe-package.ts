import { visible } from "../../core/errors.ts";
import type { ModelPackage } from "../../core/package-settings.ts";
import { figureDefinitions, settingsWords } from "../../export/package/settings-words.ts";
import { statedTaskOf, taskWords } from "../../export/package/stated-task.ts";

/** What `info` prints of a package folder. */
export function packageAsText(model: ModelPackage): string {
  const { zoo } = model;
  const operators = [...(zoo?.before ?? []), ...(zoo?.after ?? [])].map(({ name }) => name);
  const lines: (readonly [string, string])[] = [
    ["model", `${model.name}, version ${model.version}`],
    ["make", zoo === undefined ? "package of cnnt-edge export" : "model of the bioimage.io zoo"],
    ["task", taskWords(statedTaskOf(model))],
    ...(zoo === undefined
      ? settingsWords(model.settings)
      : [["operators", operators.join(", ") || "none"] as const]),
    ["sha256", model.modelSha256],
  ];
  const width = Math.max(...lines.map(([label]) => label.length));
  return `${visible(model.dir)}\n${lines.map(([label, words]) => `  ${label.padEnd(width)}  ${visible(words)}\n`).join("")}`;
}

/** The same for programs; keys as in the package's own settings, and in words what its measured figures are. */
export function packageAsJson(model: ModelPackage): object {
  const { name, version, modelSha256, settings, zoo } = model;
  const told = zoo === undefined ? { settings, definitions: figureDefinitions(settings) } : { zoo };
  return { name, version, sha256: modelSha256, task: statedTaskOf(model), ...told };
}
