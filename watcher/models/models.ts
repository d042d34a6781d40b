import type { ErrorReport } from "../../core/errors.ts";
import { reportOf } from "../../core/errors.ts";
import type { ModelPackage } from "../../core/package-settings.ts";
import { hasCode } from "../../core/steering-codes.ts";
import type { Tensor } from "../../core/tensor.ts";
import { verifyPackage } from "../../export/package/verify-package.ts";
import { readModel } from "../../runtime/engine/prepared-engine.ts";
import { runTensor } from "../../runtime/engine/run-tensor.ts";
import { runnableModel } from "../../runtime/engine/runnable-model.ts";
import { type FolderConfig, modelsOf } from "../config/resolve.ts";

/** A model folder of the configuration, and whether it computes here what it should. */
export type Model = VerifiedModel | { readonly dir: string; readonly error: ErrorReport };

export interface VerifiedModel {
  readonly dir: string;
  readonly package: ModelPackage;
}

/** Whether the process of a check ended before its answer, which says nothing of the model itself. */
export function wasLost(error: Pick<ErrorReport, "code">): boolean {
  return hasCode(error, "tensor-process-lost");
}

/**
 * Runs the package's own test tensors through it in a throw-away process; once more where something ended that
 * process. Never throws.
 */
export async function checkModel(dir: string, provider: string, signal: AbortSignal): Promise<Model> {
  try {
    const model = await readModel(dir, provider);
    const runnable = runnableModel(model);
    await verifyPackage(model, (input) => {
      const run = (): Promise<Tensor> => runTensor({ ...runnable, provider, input }, signal);
      return run().catch((error: unknown) => {
        if (signal.aborted || !wasLost(reportOf(error))) throw error;
        return run();
      });
    });
    return { dir, package: model };
  } catch (error) {
    return { dir, error: reportOf(error) };
  }
}

/** Those of a watch folder's models that were found in order. */
export function packagesOf(folder: FolderConfig, models: readonly Model[]): ModelPackage[] {
  const dirs = modelsOf(folder);
  return models.flatMap((model) => ("package" in model && dirs.includes(model.dir) ? [model.package] : []));
}
