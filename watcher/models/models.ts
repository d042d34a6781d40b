import { type ErrorReport, hasCode, machineError, reportOf } from "../../core/errors.ts";
import type { ModelPackage } from "../../core/package-settings.ts";
import type { Tensor } from "../../core/tensor.ts";
import { verifyPackage } from "../../export/package/verify-package.ts";
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
 * process. `read` answers undefined where its disk does not. Never throws.
 */
export async function checkModel(
  dir: string,
  read: () => Promise<ModelPackage | undefined>,
  provider: string,
  signal: AbortSignal,
): Promise<Model> {
  try {
    const model = await read();
    if (model === undefined) throw diskHangs(dir);
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

function diskHangs(dir: string) {
  return machineError("the disk of the model does not answer", {
    code: "package-disk-hangs",
    file: dir,
    remedy: "Check the share and its server",
    retryable: true,
  });
}

/** Those of a watch folder's models that were found in order. */
export function packagesOf(folder: FolderConfig, models: readonly Model[]): ModelPackage[] {
  const dirs = modelsOf(folder);
  return models.flatMap((model) => ("package" in model && dirs.includes(model.dir) ? [model.package] : []));
}
