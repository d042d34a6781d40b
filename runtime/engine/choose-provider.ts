import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { arch, platform } from "node:os";
import { dirname, join } from "node:path";
import { type ErrorReport, errorFromReport, isEdgeError, machineError, reportOf } from "../../core/errors.ts";
import type { ModelPackage } from "../../core/package-settings.ts";
import { readNpyTensor } from "../../formats/npy.ts";
import type { ProviderName } from "../machine/providers.ts";
import { readModel } from "./prepared-engine.ts";
import { runTensor } from "./run-tensor.ts";
import { runnableModel } from "./runnable-model.ts";

/** The library that each provider needs beside the binding; the others are linked into it. */
const providerLibraries: Partial<Record<ProviderName, string>> = {
  cuda: "libonnxruntime_providers_cuda.so",
  tensorrt: "libonnxruntime_providers_tensorrt.so",
};

export interface RejectedProvider {
  readonly provider: ProviderName;
  readonly reason: ErrorReport;
}

export interface ProviderChoice {
  readonly provider: ProviderName;
  /** Those before it in the order, and why each cannot be used. */
  readonly rejected: readonly RejectedProvider[];
}

/**
 * The first provider of the order that runs the first package's own test tensor in a throw-away process, every node of
 * it. The CPU is not tried there: the engine's own warm-up shows it, and nothing comes after it. Models that are not
 * ours are tried there in any case, all of them: what they compute, for how long and in how much memory, nobody knows.
 * Throws `EdgeError`: `machine` (`provider-unavailable`) when no provider does, or what is wrong with a model.
 */
export async function chooseProvider(wanted: {
  readonly providers: readonly ProviderName[];
  readonly models: readonly [string, ...string[]];
}): Promise<ProviderChoice> {
  const [first, ...others] = wanted.models;
  const rejected: RejectedProvider[] = [];
  for (const provider of wanted.providers) {
    const reason = provider === "cpu" ? undefined : await whyNot(provider, first);
    if (reason === undefined) {
      // The first one has run just now, but on the CPU.
      for (const dir of provider === "cpu" ? wanted.models : others) await tryForeign(dir, provider);
      return { provider, rejected };
    }
    rejected.push({ provider, reason });
  }
  throw noProvider(rejected);
}

async function tryForeign(dir: string, provider: ProviderName): Promise<void> {
  // What cannot be read now, the engine will say when it is to be loaded.
  const model = await readModel(dir, provider).catch(() => undefined);
  if (model?.zoo === undefined) return;
  const reason = await probe(provider, model);
  if (reason !== undefined) throw errorFromReport(reason);
}

/** Why this provider cannot run this model here; undefined when it can. */
export async function whyNot(provider: ProviderName, model: string): Promise<ErrorReport | undefined> {
  const missing = missingLibrary(provider);
  if (missing !== undefined) return reportOf(missing);
  let prepared: ModelPackage;
  try {
    prepared = await readModel(model, provider);
  } catch (error) {
    if (isEdgeError(error, "tensorrt-not-prepared") || isEdgeError(error, "tensorrt-engine-differs"))
      return reportOf(error);
    throw error;
  }
  return probe(provider, prepared);
}

/**
 * The CPU, and CUDA where its libraries are on this machine; whether it runs is another question. Not TensorRT, which
 * would build an engine for minutes: it is asked only by name.
 */
export function installedProviders(): ProviderName[] {
  return missingLibrary("cuda") === undefined ? ["cpu", "cuda"] : ["cpu"];
}

/** The folder of the ONNX Runtime's own libraries, where it looks for those of providers. */
export function runtimeLibraryFolder(): string {
  const entry = createRequire(import.meta.url).resolve("onnxruntime-node/package.json");
  return join(dirname(entry), "bin", "napi-v6", platform(), arch());
}

function missingLibrary(provider: ProviderName) {
  const library = providerLibraries[provider];
  if (library === undefined || existsSync(join(runtimeLibraryFolder(), library))) return undefined;
  return machineError(`the ${provider} provider is not installed`, {
    code: "provider-library-missing",
    found: `no ${library} beside the ONNX Runtime`,
    remedy: `Run \`cnnt-edge gpu install${provider === "tensorrt" ? " --tensorrt" : ""}\` (docs/gpu.md), or use --provider cpu`,
  });
}

async function probe(provider: ProviderName, model: ModelPackage): Promise<ErrorReport | undefined> {
  const input = await readNpyTensor(model.testInputFile);
  try {
    await runTensor({ ...runnableModel(model), provider, input });
    return undefined;
  } catch (error) {
    return reportOf(error);
  }
}

function noProvider(rejected: readonly RejectedProvider[]) {
  const [only] = rejected;
  return machineError(
    rejected.length === 1 && only !== undefined
      ? `provider ${only.provider} cannot be used`
      : "none of the providers can be used",
    {
      code: "provider-unavailable",
      found: rejected.map(({ provider, reason }) => `${provider}: ${reason.message}`).join("; "),
      remedy: "Run `cnnt-edge doctor` to see what this machine lacks, or use --provider cpu",
    },
  );
}
