import { opendir, stat } from "node:fs/promises";
import { join, relative } from "node:path";
import { type ErrorReport, hasCode, machineError, reportOf } from "../../core/errors.ts";
import type { ModelPackage } from "../../core/package-settings.ts";
import type { Tensor } from "../../core/tensor.ts";
import { within } from "../../core/within.ts";
import { verifyPackage } from "../../export/package/verify-package.ts";
import { readModel } from "../../runtime/engine/prepared-engine.ts";
import { runTensor } from "../../runtime/engine/run-tensor.ts";
import { runnableModel } from "../../runtime/engine/runnable-model.ts";
import { modelIdentity } from "../../runtime/job/model-identity.ts";
import { type FolderConfig, modelsOf } from "../config/resolve.ts";

/** A model folder of the configuration, and whether it computes here what it should. */
export type Model = VerifiedModel | { readonly dir: string; readonly error: ErrorReport };

export interface VerifiedModel {
  readonly dir: string;
  readonly package: ModelPackage;
}

/** Whether the process of a check ended before its answer, which says nothing of the model itself. */
function wasLost(error: Pick<ErrorReport, "code">): boolean {
  return hasCode(error, "tensor-process-lost");
}

/**
 * Runs the package's own test tensors through it in a throw-away process; once more where something ended that
 * process. `read` answers undefined where its disk does not. Never throws.
 */
async function checkModel(
  dir: string,
  read: () => Promise<ModelPackage | undefined>,
  provider: string,
  { signal, runModel = runTensor }: Pick<ModelChecksOptions, "signal" | "runModel">,
): Promise<Model> {
  try {
    const model = await read();
    if (model === undefined) throw diskHangs(dir);
    const runnable = runnableModel(model);
    await verifyPackage(model, (input) => {
      const run = (): Promise<Tensor> => runModel({ ...runnable, provider, input }, signal);
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

export interface ModelChecksOptions {
  /** The models that are in use now, each once: it is asked at each check. */
  readonly dirs: () => readonly string[];
  readonly signal: AbortSignal;
  readonly everyCalls: number;
  /** Files of a model that was in order were changed, or are in order again: in words. */
  readonly onNews: (news: string) => void;
  /** A disk that has not answered for so long hangs. */
  readonly hangMs?: number;
  /** What runs a model's test tensors; tests of other things put one in its place that starts no process. */
  readonly runModel?: typeof runTensor | undefined;
}

/** Also the whole of a large model comes over a slow share in this time. */
const usualHangMs = 120_000;

/** The models that watch folders use, each with what its last check found. */
export function createModelChecks(options: ModelChecksOptions) {
  const { dirs, everyCalls, onNews, hangMs = usualHangMs } = options;
  let models: readonly Model[] = [];
  /** What the files of a model were just before it was checked. */
  const signatures = new Map<string, string>();
  /** What they were at the last call, where that is something else. */
  const unchecked = new Map<string, string>();
  /** Models whose last check was lost: how often in a row, and at which call the next one is due. */
  const lost = new Map<string, { times: number; dueCall: number }>();
  /** Models whose disks were asked and have not answered: one that hangs holds a thread of this process, and no second one. */
  const asked = new Set<string>();
  let calls = 0;

  /** undefined where the disk does not answer. */
  async function ask<Answer>(dir: string, question: (dir: string) => Promise<Answer>) {
    if (asked.has(dir)) return undefined;
    asked.add(dir);
    return within(
      hangMs,
      question(dir).finally(() => asked.delete(dir)),
    );
  }

  async function check(dir: string, provider: string): Promise<Model> {
    const signature = await ask(dir, signatureOf);
    const read = () => ask(dir, () => readModel(dir, provider));
    const model = await checkModel(dir, read, provider, options);
    // One whose disk hangs is checked as soon as it answers.
    if (signature === undefined || asked.has(dir)) signatures.delete(dir);
    else signatures.set(dir, signature);
    if ("error" in model && wasLost(model.error)) {
      const times = lost.get(dir)?.times ?? 0;
      lost.set(dir, { times: times + 1, dueCall: calls + Math.min(2 ** times, everyCalls) });
    } else lost.delete(dir);
    return model;
  }

  async function take(next: Promise<Model>[]): Promise<boolean> {
    const before = models.map(outcome).join("\n");
    models = await Promise.all(next);
    return models.map(outcome).join("\n") !== before;
  }

  const inError = (dir: string): Model | undefined =>
    models.find((model) => model.dir === dir && "error" in model);

  return {
    models: (): readonly Model[] => models,
    /** Checks all anew, or only those that were in order; answers whether anything is other than before. */
    all: (provider: string, { keepErrors } = { keepErrors: false }): Promise<boolean> =>
      take(
        dirs().map(async (dir) => (keepErrors ? inError(dir) : undefined) ?? (await check(dir, provider))),
      ),
    /**
     * Checks those whose files are others than at their last check: those in error at once, those in order when their
     * files were the same at the last call already, because a package is replaced file by file. Each `everyCalls` calls
     * checks all in error, because a check may also have failed for lack of memory. A check whose process was lost is
     * repeated at the next call, then after 2, 4, 8 … calls. One that is used only since the last call is checked, and one
     * that is used no more is forgotten. Answers whether anything is other than before.
     */
    changed: async (provider: string): Promise<boolean> => {
      calls += 1;
      const anyway = calls % everyCalls === 0;
      return take(
        dirs().map(async (dir) => {
          const model = models.find((one) => one.dir === dir);
          if (model === undefined) return check(dir, provider);
          const signature = await ask(dir, signatureOf);
          const changed = signatures.get(dir) !== signature;
          const isDue = anyway || (lost.get(dir)?.dueCall ?? Number.POSITIVE_INFINITY) <= calls;
          if ("error" in model || signature === undefined)
            return changed || isDue ? check(dir, provider) : model;
          if (!changed) {
            unchecked.delete(dir);
            return model;
          }
          if (unchecked.get(dir) !== signature) {
            if (!unchecked.has(dir))
              onNews(`${dir}: its files have changed; they are checked when they stop changing`);
            unchecked.set(dir, signature);
            return model;
          }
          unchecked.delete(dir);
          const next = await check(dir, provider);
          if ("package" in next) onNews(takenOver(model.package, next.package));
          return next;
        }),
      );
    },
  };
}

function outcome(model: Model): string {
  return `${model.dir} ${"error" in model ? model.error.message : modelIdentity(model.package)}`;
}

function takenOver(before: ModelPackage, now: ModelPackage): string {
  if (modelIdentity(before) === modelIdentity(now)) return `${now.dir}: it holds the same model as before`;
  const { dir, name, version, modelSha256 } = now;
  return `${dir}: ${name} ${version} (sha256 ${modelSha256}) was verified; the next job runs it`;
}

/** Packages have a handful of files; a folder that holds more than this is none. */
const mostFiles = 200;

/** Names, sizes and times of what lies in a package folder, or why it cannot be listed. Reads no content; one look after the other. */
async function signatureOf(dir: string): Promise<string> {
  try {
    const names: string[] = [];
    // A folder that is no package may be a whole disk: the walk ends with the first of its files.
    for await (const entry of await opendir(dir, { recursive: true })) {
      if (names.push(relative(dir, join(entry.parentPath, entry.name))) >= mostFiles) break;
    }
    names.sort();
    const facts: string[] = [];
    for (const name of names) {
      const { size, mtimeMs, ctimeMs, ino } = await stat(join(dir, name));
      facts.push(`${name} ${size} ${mtimeMs} ${ctimeMs} ${ino}`);
    }
    return facts.join("\n");
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
