import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { checkModel, type Model } from "./models.ts";

/** The models of the configuration, each with what its last check found. */
export interface ModelChecks {
  readonly models: () => readonly Model[];
  /** Checks all anew, or only those that were in order; answers whether anything is other than before. */
  readonly all: (provider: string, options?: { keepErrors: boolean }) => Promise<boolean>;
  /**
   * Checks those in error whose files are others than at their last check; each `everyCalls` calls all in error,
   * because a check may also have failed for lack of memory. Answers whether anything is other than before.
   */
  readonly failed: (provider: string) => Promise<boolean>;
}

export interface ModelChecksOptions {
  readonly dirs: readonly string[];
  readonly signal: AbortSignal;
  readonly everyCalls: number;
}

export function createModelChecks({ dirs, signal, everyCalls }: ModelChecksOptions): ModelChecks {
  let models: readonly Model[] = [];
  /** What the files of a model were just before it was checked. */
  const signatures = new Map<string, string>();
  let calls = 0;

  async function check(dir: string, provider: string): Promise<Model> {
    signatures.set(dir, await signatureOf(dir));
    return checkModel(dir, provider, signal);
  }

  async function take(next: Promise<Model>[]): Promise<boolean> {
    const before = models.map(outcome).join("\n");
    models = await Promise.all(next);
    return models.map(outcome).join("\n") !== before;
  }

  const inError = (dir: string): Model | undefined =>
    models.find((model) => model.dir === dir && "error" in model);

  return {
    models: () => models,
    all: (provider, { keepErrors } = { keepErrors: false }) =>
      take(dirs.map(async (dir) => (keepErrors ? inError(dir) : undefined) ?? (await check(dir, provider)))),
    failed: async (provider) => {
      calls += 1;
      const anyway = calls % everyCalls === 0;
      return take(
        models.map(async (model) => {
          if ("package" in model) return model;
          const changed = signatures.get(model.dir) !== (await signatureOf(model.dir));
          return changed || anyway ? check(model.dir, provider) : model;
        }),
      );
    },
  };
}

function outcome(model: Model): string {
  return `${model.dir} ${"error" in model ? model.error.message : model.package.modelSha256}`;
}

/** Packages have a handful of files; a folder that holds more than this is none. */
const mostFiles = 200;

/**
 * Names, sizes and times of what lies in a package folder, or why it cannot be listed. Reads no content and no
 * subfolder: what was mended there is found by the check that comes anyway.
 */
async function signatureOf(dir: string): Promise<string> {
  try {
    const names = (await readdir(dir)).sort().slice(0, mostFiles);
    const facts = await Promise.all(
      names.map(async (name) => {
        const { size, mtimeMs, ino } = await stat(join(dir, name));
        return `${name} ${size} ${mtimeMs} ${ino}`;
      }),
    );
    return facts.join("\n");
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
