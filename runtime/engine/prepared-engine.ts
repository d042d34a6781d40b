import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { unsupportedError } from "../../core/errors.ts";
import type { ModelPackage } from "../../core/package-settings.ts";
import {
  contextModelName,
  engineFactsName,
  engineFactsSchema,
  engineKey,
  enginesFolder,
  gpuFacts,
  type PreparedEngineFacts,
} from "../../export/package/engine-facts.ts";
import { readPackage } from "../../export/package/read-package.ts";
import { tensorRtVersion } from "../gpu/tensorrt-version.ts";

/** What an engine must have been built for; undefined where this machine does not tell. */
export type EngineMachine = {
  readonly [Fact in "gpu" | "driver" | "tensorRtVersion"]: PreparedEngineFacts[Fact] | undefined;
};

/**
 * The package with the model that this provider runs: for TensorRT the engine in it that was prepared for this machine.
 * Throws `EdgeError` as `readPackage` and `withPreparedEngine` do.
 */
export async function readModel(dir: string, provider: string): Promise<ModelPackage> {
  return forProvider(await readPackage(dir), provider);
}

/** What of a package, as it was read, this provider runs. */
export async function forProvider(model: ModelPackage, provider: string): Promise<ModelPackage> {
  return provider === "tensorrt" ? withPreparedEngine(model, thisMachine) : model;
}

/**
 * TensorRT runs only models that stand for a finished engine (a node `EPContext`). From any other it builds one first:
 * for minutes, in silence, and again at each start, because the binding passes it no cache option. So the model is
 * replaced by the package's engine for this very model and machine; everything else remains, its hash too.
 * Throws `EdgeError` (`unsupported`): `tensorrt-not-prepared` where the package has none, `tensorrt-engine-differs`
 * where it was built for something else.
 */
export async function withPreparedEngine(
  model: ModelPackage,
  machine: () => Promise<EngineMachine>,
): Promise<ModelPackage> {
  if ((await readFile(model.modelFile)).includes("EPContext")) return { ...model, preparedEngine: true };
  const engines = await enginesOf(model.dir);
  if (engines.length === 0) {
    throw unsupportedError("TensorRT would build an engine from this model at every start, for minutes", {
      code: "tensorrt-not-prepared",
      file: model.modelFile,
      remedy: `Use --provider cuda, or build an engine once: ${buildCommand(model)} (docs/gpu.md)`,
    });
  }
  const here = { ...(await machine()), modelSha256: model.modelSha256 };
  const compared = engines.map((facts) => ({ facts, differences: differencesOf(facts, here) }));
  const [nearest] = compared.sort((a, b) => a.differences.length - b.differences.length);
  if (nearest === undefined || nearest.differences.length > 0) {
    throw unsupportedError("the TensorRT engine of this package was built for something else", {
      code: "tensorrt-engine-differs",
      file: join(model.dir, enginesFolder),
      found: nearest?.differences.join("; ") ?? "",
      remedy: `Build it again here: ${buildCommand(model)}; or use --provider cuda`,
    });
  }
  const modelFile = join(model.dir, enginesFolder, engineKey(nearest.facts), contextModelName);
  return { ...model, modelFile, preparedEngine: true };
}

async function thisMachine(): Promise<EngineMachine> {
  const gpu = await gpuFacts();
  return { gpu: gpu?.gpu, driver: gpu?.driver, tensorRtVersion: await tensorRtVersion() };
}

/** Those that lie whole under their own key; anything else in the folder is none. */
async function enginesOf(dir: string): Promise<PreparedEngineFacts[]> {
  const folder = join(dir, enginesFolder);
  const engines: PreparedEngineFacts[] = [];
  for (const key of await readdir(folder).catch((): string[] => [])) {
    try {
      const stated: unknown = JSON.parse(await readFile(join(folder, key, engineFactsName), "utf8"));
      const facts = engineFactsSchema.parse(stated);
      if (engineKey(facts) === key) engines.push(facts);
    } catch {
      // Half built, or not ours.
    }
  }
  return engines;
}

const words = {
  modelSha256: "the model",
  gpu: "the GPU",
  driver: "the NVIDIA driver",
  tensorRtVersion: "TensorRT",
} as const;

/** What it was built for and is not here. What this machine does not tell of TensorRT, its loader will. */
function differencesOf(
  facts: PreparedEngineFacts,
  here: EngineMachine & Pick<PreparedEngineFacts, "modelSha256">,
): string[] {
  const differences: string[] = [];
  for (const fact of ["modelSha256", "gpu", "driver", "tensorRtVersion"] as const) {
    const [built, now] = [facts[fact], here[fact]];
    if (built === now || (fact === "tensorRtVersion" && now === undefined)) continue;
    const shown = fact === "modelSha256" ? [built.slice(0, 12), now?.slice(0, 12)] : [built, now];
    differences.push(`${words[fact]} was ${shown[0]} and is ${shown[1] ?? "not found"}`);
  }
  return differences;
}

function buildCommand({ dir, settings }: ModelPackage): string {
  const shape = (settings.fixed_shape ?? settings.tile).join(",");
  return `\`cnnt-edge export WEIGHTS --static ${shape} --tensorrt --force --out ${dir}\``;
}
