import { readFile, stat } from "node:fs/promises";
import { join, normalize, sep } from "node:path";
import { parseDocument } from "yaml";
import { z } from "zod";
import { formatError, isEdgeError, machineError, usageError } from "../../core/errors.ts";
import type { ModelPackage } from "../../core/package-settings.ts";
import { digestOfFile } from "../../formats/file-digest.ts";
import { type Rdf, rdfSchema } from "./rdf-schema.ts";
import { readZooDescription } from "./zoo/read-zoo.ts";

const maxRdfBytes = 1 << 20;
/** Descriptions may repeat a part by reference, but not grow beyond measure by it. */
const maxAliasCount = 100;

/**
 * Reads a package folder, ours or one of the bioimage.io zoo, and checks that it is whole: the description is one we
 * understand, the files it names exist inside the folder, and hashes that it states are right. Nothing is run;
 * `verify` does that. Throws `EdgeError` (`usage`: no such folder; `format`: anything wrong in it; `unsupported`: a
 * model that is sound, but not one to be run here; `machine`: its disk does not let it be read).
 */
export async function readPackage(dir: string): Promise<ModelPackage> {
  try {
    const { stated, file } = await readDescription(dir);
    return await (carriesOurSettings(stated)
      ? readOwn(dir, ownRdf(stated, file))
      : readZoo(dir, stated, file));
  } catch (error) {
    throw isEdgeError(error) ? error : unreadable(error, dir);
  }
}

/** The error of a system call; any other is a defect and stays itself. */
function unreadable(error: unknown, dir: string): unknown {
  const call = error instanceof Error && "syscall" in error && "code" in error ? error : undefined;
  if (call === undefined) return error;
  return machineError("the model package cannot be read", {
    code: "package-unreadable",
    file: dir,
    found: String(call.code),
    remedy: "Check the disk or share that holds it, and the right to read its files",
    retryable: true,
    cause: error,
  });
}

async function readOwn(dir: string, rdf: Rdf): Promise<ModelPackage> {
  const [input] = rdf.inputs;
  const [output] = rdf.outputs;
  return {
    dir,
    name: rdf.name,
    version: rdf.version,
    ...(await weightsOf(dir, rdf.weights.onnx)),
    inputName: input.id,
    outputName: output.id,
    testInputFile: await member(dir, input.test_tensor.source),
    testOutputFile: await member(dir, output.test_tensor.source),
    settings: rdf.config.cnnt_edge,
  };
}

/** Somebody else's model: the names in its graph are known when it is loaded. */
async function readZoo(dir: string, stated: unknown, file: string): Promise<ModelPackage> {
  const { description, zoo, settings } = readZooDescription(stated, file);
  return {
    dir,
    name: description.name,
    version: description.version,
    ...(await weightsOf(dir, description.weights)),
    inputName: description.inputId,
    outputName: description.outputId,
    testInputFile: await member(dir, description.testInput.source),
    testOutputFile: await member(dir, description.testOutput.source),
    settings,
    zoo,
  };
}

async function weightsOf(
  dir: string,
  { source, sha256: stated }: { readonly source: string; readonly sha256?: string | undefined },
): Promise<Pick<ModelPackage, "modelFile" | "modelSha256">> {
  const modelFile = await member(dir, source);
  const modelSha256 = await digestOfFile(modelFile);
  if (stated !== undefined && stated !== modelSha256) {
    throw formatError("the model is not the one that the description names", {
      code: "package-hash-mismatch",
      file: modelFile,
      found: `sha256 ${modelSha256}`,
      allowed: `sha256 ${stated}`,
      remedy: "Export the package again, or copy it again from where it came",
    });
  }
  return { modelFile, modelSha256 };
}

/** Names under which a description lies in a folder; ours is the first. */
const descriptionNames = ["rdf.yaml", "bioimageio.yaml", "model.yaml"];

async function readDescription(dir: string): Promise<{ readonly stated: unknown; readonly file: string }> {
  const facts = await stat(dir).catch(() => undefined);
  if (facts === undefined || !facts.isDirectory()) {
    throw usageError("there is no such model folder", {
      code: "package-missing",
      file: dir,
      remedy:
        facts === undefined
          ? "Name a folder made by `cnnt-edge export`, for example models/default"
          : "A model from bioimage.io comes as .zip: unpack it and name the folder",
    });
  }
  const file = await descriptionIn(dir);
  const document = parseDocument(await readFile(file, "utf8"));
  const [problem] = document.errors;
  if (problem !== undefined) {
    throw formatError("the model description is no sound YAML", {
      code: "package-rdf-yaml",
      file,
      found: problem.message.split("\n")[0] ?? "",
    });
  }
  try {
    return { stated: document.toJS({ maxAliasCount }), file };
  } catch (cause) {
    throw formatError("the model description refers to itself too often", {
      code: "package-rdf-yaml",
      file,
      found: cause instanceof Error ? cause.message : String(cause),
      cause,
    });
  }
}

/** Whether a folder claims to be a package; `readPackage` says whether it is one. */
export async function holdsDescription(dir: string): Promise<boolean> {
  const found = await Promise.all(
    descriptionNames.map((name) => stat(join(dir, name)).catch(() => undefined)),
  );
  return found.some((facts) => facts?.isFile() === true);
}

async function descriptionIn(dir: string): Promise<string> {
  for (const name of descriptionNames) {
    const file = join(dir, name);
    const facts = await stat(file).catch(() => undefined);
    if (facts === undefined) continue;
    if (facts.isFile() && facts.size <= maxRdfBytes) return file;
    throw noDescription(dir, `${name} of ${facts.size} bytes`);
  }
  throw noDescription(dir);
}

function noDescription(dir: string, found?: string) {
  return formatError("the folder holds no model description (rdf.yaml)", {
    code: "package-no-rdf",
    file: dir,
    ...(found === undefined ? {} : { found }),
    remedy: "Name a folder made by `cnnt-edge export`, or an unpacked model from bioimage.io",
  });
}

function carriesOurSettings(stated: unknown): boolean {
  const told = z.looseObject({ config: z.looseObject({ cnnt_edge: z.unknown() }) }).safeParse(stated);
  return told.success && told.data.config.cnnt_edge !== undefined;
}

function ownRdf(stated: unknown, file: string): Rdf {
  const parsed = rdfSchema.safeParse(stated);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw formatError("the model description is not one we understand", {
    code: "package-rdf-schema",
    file,
    at: issue?.path.join(".") ?? "",
    found: issue?.message ?? "unknown",
    remedy: "Export the checkpoint with this version of `cnnt-edge export`",
  });
}

/** A file named by the description; it must lie inside the folder. */
async function member(dir: string, source: string): Promise<string> {
  const relative = normalize(source);
  if (relative.startsWith("..") || relative.startsWith(sep) || source.includes("\0")) {
    throw formatError("the description names a file outside its folder", {
      code: "package-file-outside",
      file: dir,
      found: source,
    });
  }
  const path = join(dir, relative);
  const facts = await stat(path).catch(() => undefined);
  if (facts === undefined || !facts.isFile()) {
    throw formatError("a file that the description names is missing", {
      code: "package-file-missing",
      file: path,
      remedy: "Copy the whole package folder, or export it again",
    });
  }
  return path;
}
