import { readdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** Checkpoints during training; the JSON comes once, at its end. Source: `CNNT_base_model_runtime.save`. */
const checkpointName = /^(?<date>\d\d-\d\d-\d{4}_T\d\d-\d\d-\d\d)_epoch-\d+\.pth$/;

/**
 * Where training put the JSON of weights that have none beside them, as a sentence. Looks into `model/` beside the
 * folder of the weights, as training lays them out unless told otherwise (`--check_path`, `--model_path`).
 */
export async function placeOfTrainingJson(weights: string): Promise<string> {
  const date = checkpointName.exec(basename(weights))?.groups?.["date"];
  if (date !== undefined) {
    const folder = join(dirname(weights), "..", "model");
    const names = await readdir(folder).catch(() => []);
    const ours = names.filter((name) => name.includes(`__${date}_epoch-`) && name.endsWith(".json")).sort();
    const [first] = ours;
    if (first !== undefined) return `Training put it into ${join(folder, first)}`;
  }
  const name = `RUN__${date ?? "DATE"}_epoch-N_best.json`;
  return `Training writes it once, at its end, beside the final weights (--model_path, logs/model unless told otherwise) as ${name}`;
}
