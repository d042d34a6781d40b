import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { basename, delimiter, join } from "node:path";
import { machineError } from "../../core/errors.ts";
import type { ModelPackage } from "../../core/package-settings.ts";
import { writeFileAtomically } from "../../formats/file/atomic-file.ts";
import { encodeModel, type OnnxModel } from "../onnx/messages.ts";
import {
  contextModelName,
  engineFactsName,
  engineKey,
  enginesFolder,
  gpuFacts,
  type PreparedEngineFacts,
} from "../package/engine-facts.ts";

export interface EngineRequest {
  readonly model: ModelPackage;
  /** Depth, height, width that the package's graph is fixed to. */
  readonly shape: readonly [number, number, number];
  readonly precision: "fp32" | "fp16";
  readonly productVersion: string;
  /** Told every line that trtexec prints, and the time since it started. */
  readonly onProgress: (line: string, elapsedS: number) => void;
  readonly signal: AbortSignal;
}

type EngineOutcome =
  | { readonly kind: "built" | "cached"; readonly contextModel: string; readonly engineFile: string }
  /** TensorRT's builder is not on this machine: what to run where it is. */
  | { readonly kind: "no-trtexec"; readonly command: string };

/** Where TensorRT's own packages put the builder, when it is not on the PATH. */
const usualFolders = ["/usr/src/tensorrt/bin", "/usr/local/tensorrt/bin", "/opt/tensorrt/bin"];

/**
 * Builds (or finds) the engine of a package with a fixed shape and writes the model that points at it, into
 * `<package>/tensorrt/<key>/`. Takes minutes; every line of the builder is passed on.
 */
export async function buildEngine(request: EngineRequest): Promise<EngineOutcome> {
  const trtexec = findTrtexec();
  if (trtexec === undefined) {
    return { kind: "no-trtexec", command: commandLine("trtexec", trtexecArguments(request, "engine.plan")) };
  }
  const facts = await machineFacts(request, trtexec);
  const folder = join(request.model.dir, enginesFolder, engineKey(facts));
  const engineFile = join(folder, "engine.plan");
  const contextModel = join(folder, contextModelName);
  const factsFile = join(folder, engineFactsName);
  if (existsSync(factsFile)) return { kind: "cached", contextModel, engineFile };
  await mkdir(folder, { recursive: true });
  const partial = `${engineFile}.partial`;
  try {
    await runTrtexec(trtexec, trtexecArguments(request, partial), request);
    await rename(partial, engineFile);
  } finally {
    await rm(partial, { force: true });
  }
  const model = epContextModel(request, basename(engineFile), facts.tensorRtVersion);
  const overwrite = { overwrite: true };
  await writeFileAtomically(contextModel, Buffer.concat(encodeModel(model)), overwrite);
  // The last: it says that the others are whole.
  await writeFileAtomically(factsFile, Buffer.from(`${JSON.stringify(facts, null, 2)}\n`), overwrite);
  return { kind: "built", contextModel, engineFile };
}

/** `--stronglyTyped`: the precisions are in the graph (Cast nodes); the builder must not choose others. */
function trtexecArguments(request: Pick<EngineRequest, "model">, engineFile: string): string[] {
  return [
    `--onnx=${request.model.modelFile}`,
    `--saveEngine=${engineFile}`,
    "--stronglyTyped",
    "--skipInference",
  ];
}

function commandLine(program: string, args: readonly string[]): string {
  const quoted = args.map((arg) =>
    /^[\w@%+=:,./-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", `'\\''`)}'`,
  );
  return [program, ...quoted].join(" ");
}

function findTrtexec(): string | undefined {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), ...usualFolders];
  for (const folder of folders.filter((path) => path !== "")) {
    const candidate = join(folder, "trtexec");
    if (existsSync(candidate)) return candidate;
  }
  return undefined;
}

async function machineFacts(request: EngineRequest, trtexec: string): Promise<PreparedEngineFacts> {
  const help = await outputOf(trtexec, ["--help"]);
  const version = /TensorRT[.\s]v?(\d+)/i.exec(help)?.[1] ?? "unknown";
  const gpu = await gpuFacts();
  if (gpu === undefined) {
    throw machineError("nvidia-smi names no GPU, and an engine is tied to one", {
      code: "tensorrt-no-gpu",
      remedy: "Build the engine on the machine that will run it, with its NVIDIA driver installed",
    });
  }
  const { shape, precision } = request;
  return { modelSha256: request.model.modelSha256, tensorRtVersion: version, ...gpu, shape, precision };
}

async function runTrtexec(program: string, args: readonly string[], request: EngineRequest): Promise<void> {
  const started = performance.now();
  let lastLine = "";
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], signal: request.signal });
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      for (const line of text.split("\n").filter((part) => part.trim() !== "")) {
        lastLine = line;
        request.onProgress(line, (performance.now() - started) / 1000);
      }
    });
  }
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  if (code === 0) return;
  throw machineError("TensorRT could not build an engine from the model", {
    code: "tensorrt-build-failed",
    file: request.model.modelFile,
    found: `trtexec ended with ${code}: ${lastLine}`,
    remedy: "Use the CUDA provider meanwhile; it needs no engine",
  });
}

function outputOf(program: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
    let text = "";
    child.stdout.setEncoding("utf8").on("data", (part: string) => {
      text += part;
    });
    child.once("error", () => resolve(""));
    child.once("close", () => resolve(text));
  });
}

/**
 * A model of one node that stands for a finished TensorRT engine: ONNX Runtime loads the engine from the file beside
 * it instead of building one in silence at every start. Source: ONNX Runtime, "EP context design".
 */
export function epContextModel(
  request: Pick<EngineRequest, "shape" | "productVersion"> & {
    readonly model: Pick<ModelPackage, "inputName" | "outputName">;
  },
  engineFile: string,
  tensorRtVersion: string,
): OnnxModel {
  const { inputName, outputName } = request.model;
  const [depth, height, width] = request.shape;
  const shape = [1, depth, 1, height, width];
  return {
    graphName: "cnnt-tensorrt",
    inputs: [{ name: inputName, type: "float32", shape }],
    outputs: [{ name: outputName, type: "float32", shape }],
    nodes: [
      {
        name: "engine",
        opType: "EPContext",
        domain: "com.microsoft",
        inputs: [inputName],
        outputs: [outputName],
        attributes: {
          main_context: 1,
          // 0: ep_cache_context is a path, relative to this model, and not the engine itself.
          embed_mode: 0,
          ep_cache_context: engineFile,
          ep_sdk_version: tensorRtVersion,
          source: "TensorrtExecutionProvider",
        },
      },
    ],
    initializers: [],
    producerName: "cnnt-edge",
    producerVersion: request.productVersion,
  };
}
