import { z } from "zod";
import { formatError, isEdgeError, machineError, systemCode } from "../../core/errors.ts";
import type { ModelPackage } from "../../core/package-settings.ts";
import { digestOfFile } from "../../formats/file/file-digest.ts";
import { refuseExternalData } from "../onnx/external-data.ts";
import { checkOwnStatements, rdfSchema } from "./check-statements.ts";
import { memberFile } from "./package-files.ts";
import { readDescription } from "./read-description.ts";
import { statementHashKey } from "./statement-hash.ts";
import { checked, type FileReference, type ZooDescription } from "./zoo/description.ts";
import { readZooDescription } from "./zoo/read-zoo.ts";

/**
 * Reads a package folder, ours or one of the bioimage.io zoo, and checks that it is whole: the description is one we
 * understand, the files it names exist inside the folder, and hashes that it states are right. Nothing is run;
 * `verify` does that. Throws `EdgeError` (`usage`: no such folder; `format`: anything wrong in it; `unsupported`: a
 * model that is sound, but not one to be run here; `machine`: its disk does not let it be read).
 */
export async function readPackage(dir: string): Promise<ModelPackage> {
  try {
    const { stated, file } = await readDescription(dir);
    return await (carriesOurSettings(stated) ? readOwn(dir, stated, file) : readZoo(dir, stated, file));
  } catch (error) {
    throw isEdgeError(error) ? error : unreadable(error, dir);
  }
}

/** The error of a system call; any other is a defect and stays itself. */
function unreadable(error: unknown, dir: string): unknown {
  const call = error instanceof Error && "syscall" in error ? error : undefined;
  if (call === undefined) return error;
  return machineError("the model package cannot be read", {
    code: "package-unreadable",
    file: dir,
    found: systemCode(call) ?? "an unknown error",
    remedy: "Check the disk or share that holds it, and the right to read its files",
    retryable: true,
    cause: error,
  });
}

/** A package of ours: everything that it states must agree. */
async function readOwn(dir: string, stated: unknown, file: string): Promise<ModelPackage> {
  const remedy = "Export the checkpoint with this version of `cnnt-edge export`";
  const rdf = checked(rdfSchema, stated, file, remedy);
  const [input] = rdf.inputs;
  const [output] = rdf.outputs;
  const statementsAreHashed = checkOwnStatements(rdf, stated, file);
  const described = {
    name: rdf.name,
    version: rdf.version,
    weights: rdf.weights.onnx,
    inputId: input.id,
    outputId: output.id,
    testInput: input.test_tensor,
    testOutput: output.test_tensor,
  };
  return { ...(await filesOf(dir, described)), settings: rdf.config.cnnt_edge, statementsAreHashed };
}

/** Somebody else's model: the names in its graph are known when it is loaded. */
async function readZoo(dir: string, stated: unknown, file: string): Promise<ModelPackage> {
  const { description, zoo, settings } = readZooDescription(stated, file);
  return { ...(await filesOf(dir, description)), settings, zoo };
}

type Described = Pick<
  ZooDescription,
  "name" | "version" | "weights" | "inputId" | "outputId" | "testInput" | "testOutput"
>;

/** A model is one file: what lay in other files would be under no hash. */
async function filesOf(dir: string, described: Described) {
  const { name, version, weights, inputId, outputId, testInput, testOutput } = described;
  const modelFile = await memberFile(dir, weights.source);
  const modelSha256 = await checkedDigest(modelFile, weights.sha256, "the model");
  await refuseExternalData(modelFile);
  const testInputFile = await testTensor(dir, testInput);
  const testOutputFile = await testTensor(dir, testOutput);
  const names = { inputName: inputId, outputName: outputId };
  return { dir, name, version, modelFile, modelSha256, ...names, testInputFile, testOutputFile };
}

async function testTensor(dir: string, { source, sha256 }: FileReference): Promise<string> {
  const file = await memberFile(dir, source);
  if (sha256 !== undefined) await checkedDigest(file, sha256, "a test tensor");
  return file;
}

async function checkedDigest(file: string, stated: string | undefined, what: string): Promise<string> {
  const sha256 = await digestOfFile(file);
  if (stated !== undefined && stated !== sha256) {
    throw formatError(`${what} is not the one that the description names`, {
      code: "package-hash-mismatch",
      file,
      found: `sha256 ${sha256}`,
      allowed: `sha256 ${stated}`,
      remedy: "Export the package again, or copy it again from where it came",
    });
  }
  return sha256;
}

/** A package of ours that lost its settings is a damaged one, not somebody else's. */
function carriesOurSettings(stated: unknown): boolean {
  const told = z.looseObject({ config: z.looseObject({}) }).safeParse(stated);
  return told.success && ("cnnt_edge" in told.data.config || statementHashKey in told.data.config);
}
