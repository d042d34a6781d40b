import { type EdgeError, unsupportedError } from "../../core/errors.ts";
import type { ModelPackage, StatedTask } from "../../core/package-settings.ts";

/** What a package states that its network does; ours denoise by what they are, but for `models/identity`. */
export function statedTaskOf({ zoo, settings }: Pick<ModelPackage, "zoo" | "settings">): StatedTask {
  if (zoo !== undefined) return zoo.task;
  return settings.architecture === undefined
    ? { verdict: "does-not-say", words: [] }
    : { verdict: "denoises", words: ["config.cnnt_edge.architecture: a CNNT"] };
}

/** After "task:". */
export function taskWords({ verdict, words }: StatedTask): string {
  const stated = `as its description says (${words.join("; ")})`;
  if (verdict === "denoises") return `denoising, ${stated}`;
  if (verdict === "something-else") return `something other than denoising, ${stated}`;
  return "not stated: its description does not say that it denoises";
}

/** What a person should know of the task of a model that runs; undefined where it denoises. */
export function taskNote(model: ModelPackage): string | undefined {
  const { verdict, words } = statedTaskOf(model);
  if (verdict === "denoises") return undefined;
  return verdict === "does-not-say"
    ? `the package does not say that its model "${model.name}" denoises`
    : `the model "${model.name}" does something other than denoise, as its description says (${words.join("; ")}); it runs only because you asked for it, and its output is not a denoised image`;
}

/** Why a model whose description says that it does something other than denoise is refused; undefined for any other. */
export function otherTaskError(model: ModelPackage, remedy: string): EdgeError | undefined {
  const { verdict, words } = statedTaskOf(model);
  if (verdict !== "something-else") return undefined;
  return unsupportedError("the model does something other than denoise, as its description says", {
    code: "zoo-not-denoising",
    file: model.dir,
    found: words.join("; "),
    remedy,
  });
}

/** Throws `EdgeError` (`unsupported`) for such a model. */
export function refuseOtherTask(model: ModelPackage, remedy: string): void {
  const error = otherTaskError(model, remedy);
  if (error !== undefined) throw error;
}
