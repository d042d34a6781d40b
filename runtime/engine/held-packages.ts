import { resolve } from "node:path";
import { machineError } from "../../core/errors.ts";
import type { ModelPackage } from "../../core/package-settings.ts";
import { type ModelIdentity, modelIdentity } from "../job/model-identity.ts";

export type HeldPackages = ReturnType<typeof createHeldPackages>;

/** Packages as they were read once. What their folders hold by now is another question. */
export function createHeldPackages(read: (dir: string) => Promise<ModelPackage>) {
  const packages = new Map<string, ModelPackage>();
  return {
    /**
     * The package of a folder, read at the first call and kept. Where another identity is wanted than that of the one
     * kept, the folder is read again, and must hold it. Throws `EdgeError` (`machine`, `package-changed`) where it does
     * not, and what `read` throws.
     */
    async take(dir: string, wanted?: ModelIdentity): Promise<ModelPackage> {
      const key = resolve(dir);
      const known = packages.get(key);
      if (known !== undefined && (wanted === undefined || modelIdentity(known) === wanted)) return known;
      const model = await read(dir);
      if (wanted !== undefined && modelIdentity(model) !== wanted) throw notVerified(model);
      packages.set(key, model);
      return model;
    },
    /** Those of the folders that were taken so far. */
    held: (dirs: readonly string[]): ModelPackage[] =>
      dirs.flatMap((dir) => packages.get(resolve(dir)) ?? []),
  };
}

function notVerified({ dir, name, version, modelSha256 }: ModelPackage) {
  return machineError("the model folder does not hold the model that was verified", {
    code: "package-changed",
    file: dir,
    found: `${name} ${version}, sha256 ${modelSha256.slice(0, 12)}`,
    retryable: true,
    remedy: "The daemon verifies the model that is there now, and uses it if it is right",
  });
}
