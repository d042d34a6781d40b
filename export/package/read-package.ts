import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { join, normalize, sep } from "node:path";
import { parseDocument } from "yaml";
import type { z } from "zod";
import { formatError, usageError } from "../../core/errors.ts";
import type { ModelPackage } from "../../core/package-settings.ts";
import { type Rdf, rdfSchema } from "./rdf-schema.ts";

const maxRdfBytes = 1 << 20;

/**
 * Reads a package folder and checks that it is whole: the description is one we understand, the files it names exist
 * inside the folder, and hashes that it states are right. Nothing is run; `verify` does that.
 * Throws `EdgeError` (`usage`: no such folder; `format`: anything wrong in it).
 */
export async function readPackage(dir: string): Promise<ModelPackage> {
  const rdf = await readRdf(dir);
  const [input] = rdf.inputs;
  const [output] = rdf.outputs;
  const modelFile = await member(dir, rdf.weights.onnx.source);
  const modelSha256 = await sha256Of(modelFile);
  const stated = rdf.weights.onnx.sha256;
  if (stated !== undefined && stated !== modelSha256) {
    throw formatError("the model is not the one that the description names", {
      code: "package-hash-mismatch",
      file: modelFile,
      found: `sha256 ${modelSha256}`,
      allowed: `sha256 ${stated}`,
      remedy: "Export the package again, or copy it again from where it came",
    });
  }
  return {
    dir,
    name: rdf.name,
    version: rdf.version,
    modelFile,
    modelSha256,
    inputName: input.id,
    outputName: output.id,
    testInputFile: await member(dir, input.test_tensor.source),
    testOutputFile: await member(dir, output.test_tensor.source),
    settings: rdf.config.cnnt_edge,
  };
}

async function readRdf(dir: string): Promise<Rdf> {
  const facts = await stat(dir).catch(() => undefined);
  if (facts === undefined || !facts.isDirectory()) {
    throw usageError("there is no such model folder", {
      code: "package-missing",
      file: dir,
      remedy: "Name a folder made by `cnnt-edge export`, for example models/default",
    });
  }
  const file = join(dir, "rdf.yaml");
  const rdfFacts = await stat(file).catch(() => undefined);
  if (rdfFacts === undefined || !rdfFacts.isFile() || rdfFacts.size > maxRdfBytes) {
    throw formatError("the folder holds no model description (rdf.yaml)", {
      code: "package-no-rdf",
      file: dir,
      ...(rdfFacts === undefined ? {} : { found: `${rdfFacts.size} bytes` }),
      remedy: "Name a folder made by `cnnt-edge export`",
    });
  }
  const document = parseDocument(await readFile(file, "utf8"));
  const [problem] = document.errors;
  if (problem !== undefined) {
    throw formatError("the model description is no sound YAML", {
      code: "package-rdf-yaml",
      file,
      found: problem.message.split("\n")[0] ?? "",
    });
  }
  const parsed = rdfSchema.safeParse(document.toJS({ maxAliasCount: 0 }));
  if (!parsed.success) throw rdfRefused(file, parsed.error);
  return parsed.data;
}

function rdfRefused(file: string, error: z.ZodError) {
  const [issue] = error.issues;
  const path = issue?.path.join(".") ?? "";
  const foreign = path.startsWith("config");
  return formatError(
    foreign ? "the model carries no cnnt-edge settings" : "the model description is not one we understand",
    {
      code: foreign ? "package-no-settings" : "package-rdf-schema",
      file,
      at: path,
      found: issue?.message ?? "unknown",
      remedy: "Export the checkpoint with this version of `cnnt-edge export`",
    },
  );
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

async function sha256Of(file: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return hash.digest("hex");
}
