import { workerData } from "node:worker_threads";
import { formatError, isEdgeError } from "../../core/errors.ts";
import { elementCount } from "../../core/tensor.ts";
import { connect } from "../worker/connect.ts";
import { parentOfThread } from "../worker/thread-channel.ts";
import { graphName } from "./graph-names.ts";
import { loadSession } from "./load-session.ts";
import type { NetworkDuties, NetworkSettings, RunRequest } from "./network-duties.ts";
import { type InferenceSession, Tensor } from "./onnx-runtime.ts";
import type { RunnableModel } from "./runnable-model.ts";
import { runtimeError } from "./runtime-error.ts";
import { sessionOptions } from "./session-options.ts";

/**
 * The thread that owns the ONNX sessions. `session.run` blocks its thread for the whole inference, and ending a
 * thread or the process in the middle of it aborts the process; so nothing else happens here, and the thread ends
 * only when told to, between runs.
 */

const settings = workerData as NetworkSettings;
/** By file; the hash is that of the bytes which the session was made of. */
const sessions = new Map<
  string,
  { readonly sha256: string | undefined; readonly session: InferenceSession }
>();
/** The last shape that each session was run with. */
const lastShapes = new Map<string, readonly number[]>();

/** The last tile's input; see `ownCopy`. */
let ownInput = new Float32Array();

/** From so many voxels on, a CNNT's memory for a tile is a gigabyte or more. */
const largeTileVoxels = 2 ** 20;

async function sessionOf(model: RunnableModel): Promise<InferenceSession> {
  const { modelFile, sha256 } = model;
  const known = sessions.get(modelFile);
  if (known !== undefined && known.sha256 === sha256) return known.session;
  await release(modelFile);
  const session = await loadSession(model, sessionOptions(settings));
  sessions.set(modelFile, { sha256, session });
  return session;
}

async function release(modelFile: string): Promise<void> {
  const known = sessions.get(modelFile);
  sessions.delete(modelFile);
  ownInput = new Float32Array();
  await known?.session.release();
}

/**
 * The CPU arena keeps the blocks of a large tile, and adds to them what those of another shape do not fit into: over
 * months of stacks of all sizes it would only grow. So it starts anew.
 */
async function forgetOtherLargeTile(modelFile: string, shape: readonly number[]): Promise<void> {
  const last = lastShapes.get(modelFile);
  lastShapes.set(modelFile, shape);
  if (settings.provider !== "cpu" || last === undefined || String(last) === String(shape)) return;
  if (elementCount(last) >= largeTileVoxels) await release(modelFile);
}

async function run({ input, output, shape, outputShape, model }: RunRequest): Promise<number> {
  const { modelFile } = model;
  await forgetOtherLargeTile(modelFile, shape);
  const session = await sessionOf(model);
  const inputName = graphName(model.inputName, session.inputNames, "input", modelFile);
  const outputName = graphName(model.outputName, session.outputNames, "output", modelFile);
  const feeds = { [inputName]: new Tensor("float32", ownCopy(input), shape) };
  const begin = performance.now();
  const results = await session.run(feeds, [outputName]);
  const seconds = (performance.now() - begin) / 1000;
  if (output === undefined) return seconds;
  const { dims, data } = results[outputName] as Tensor;
  const expected = outputShape ?? shape;
  if (String(dims) !== String(expected)) {
    throw formatError("the model's output has another shape than its description says", {
      code: "network-output-shape",
      file: modelFile,
      found: dims.join(" x "),
      allowed: expected.join(" x "),
      remedy: "Run `cnnt-edge verify` on the package",
    });
  }
  output.set(data as Float32Array);
  return seconds;
}

/** The binding takes no shared memory ("Invalid argument"); it makes the output anew in any case. */
function ownCopy(input: Float32Array): Float32Array {
  if (input.buffer instanceof ArrayBuffer) return input;
  if (ownInput.length !== input.length) ownInput = new Float32Array(input.length);
  ownInput.set(input);
  return ownInput;
}

let last: Promise<unknown> = Promise.resolve();
/** Serves one request after the other, also where the runtime would take several. */
function inTurn<Answer>(modelFile: string, act: () => Promise<Answer>): Promise<Answer> {
  const own = last.then(act).catch((error: unknown) => {
    throw isEdgeError(error) ? error : runtimeError(error, modelFile, settings.provider);
  });
  last = own.catch(() => undefined);
  return own;
}

connect<object, NetworkDuties>(parentOfThread(), {
  load: (model) => inTurn(model.modelFile, async () => void (await sessionOf(model))),
  release: (modelFile) => inTurn(modelFile, async () => void (await release(modelFile))),
  run: (request) => inTurn(request.model.modelFile, () => run(request)),
  close: () =>
    inTurn("", async () => {
      for (const modelFile of [...sessions.keys()]) await release(modelFile);
      return undefined;
    }),
});
