import { Worker } from "node:worker_threads";
import { formatError, isEdgeError, machineError } from "../../core/errors.ts";
import type { Tensor } from "../../core/tensor.ts";
import { connect } from "../worker/connect.ts";
import { parentOfProcess } from "../worker/process-channel.ts";
import { graphName } from "./graph-names.ts";
import { loadSession } from "./load-session.ts";
import { Tensor as OrtTensor } from "./onnx-runtime.ts";
import { plainRuntimeError } from "./plain-runtime-error.ts";
import type { TensorDuties, TensorRequest } from "./run-tensor.ts";

/** The child of `run-tensor.ts`: one model, one provider, one inference. */

/** Values of the output for each one of the input. */
const mostOutputs = 16;

connect<object, TensorDuties>(
  parentOfProcess,
  {
    run: (request) =>
      run(request).catch((error: unknown) => {
        throw asMachineError(request, error);
      }),
  },
  // Nobody is left to answer to. While the runtime blocks this thread, another one sees it.
  () => process.exit(),
);
new Worker(new URL("./parent-watch.js", import.meta.url), { execArgv: [], workerData: process.ppid });

async function run(request: TensorRequest): Promise<Tensor> {
  const session = await loadSession(request, {
    executionProviders: [request.provider],
    extra: {
      // As in `sessionOptions`: while one thread of a small model computes, the others do not take the processor.
      "session.intra_op.allow_spinning": "0",
      // What is announced as a provider must be what runs: no node may slip to the CPU.
      ...(request.provider === "cpu" ? {} : { "session.disable_cpu_ep_fallback": "1" }),
    },
  });
  const { data, shape } = request.input;
  const inputName = graphName(request.inputName, session.inputNames, "input", request.modelFile);
  const outputName = graphName(request.outputName, session.outputNames, "output", request.modelFile);
  const results = await session.run({ [inputName]: new OrtTensor("float32", data, shape) });
  const output = results[outputName];
  if (output === undefined || !(output.data instanceof Float32Array)) {
    throw machineError("the model gave no float32 output of the expected name", {
      code: "tensor-no-output",
      file: request.modelFile,
      found: Object.keys(results).join(", "),
      allowed: outputName,
    });
  }
  // It goes to the parent, whose memory nobody watches.
  if (output.data.length > mostOutputs * data.length) {
    throw formatError("the model's output is far larger than its input", {
      code: "tensor-output-size",
      file: request.modelFile,
      found: output.dims.join(" x "),
      allowed: `as many values as the input, ${shape.join(" x ")}`,
      remedy: "Use a model whose output has the size of its input",
    });
  }
  return { shape: output.dims, data: output.data };
}

function asMachineError(request: TensorRequest, cause: unknown) {
  if (isEdgeError(cause)) return cause;
  return machineError(`the model could not be run on ${request.provider}`, {
    code: "tensor-run-failed",
    file: request.modelFile,
    found: plainRuntimeError(cause instanceof Error ? cause.message : String(cause)),
    remedy: "Try --provider cpu; `cnnt-edge doctor` shows what this machine lacks",
    cause,
  });
}
