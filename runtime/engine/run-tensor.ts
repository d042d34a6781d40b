import { EdgeError, fieldsOf, isEdgeError, machineError } from "../../core/errors.ts";
import type { Tensor } from "../../core/tensor.ts";
import { connect } from "../worker/connect.ts";
import { startProcess } from "../worker/process-channel.ts";
import { limitsOfRun, type RunLimits, watchProcess } from "./run-limits.ts";
import type { RunnableModel } from "./runnable-model.ts";

/** One inference in a throw-away process: what `verify` stands on. A native crash costs that process only. */
export interface TensorRequest extends RunnableModel {
  readonly provider: string;
  readonly input: Tensor;
}

/** What `run-tensor-child.ts` does. */
export interface TensorDuties {
  readonly run: { readonly ask: TensorRequest; readonly answer: Tensor };
}

/**
 * Rejects with `EdgeError` (`machine`) when the provider cannot run the model, when the process dies, or when it is killed
 * because the model takes more time (`model-timeout`) or memory (`model-memory`) than `limits`.
 */
export async function runTensor(
  request: TensorRequest,
  signal?: AbortSignal,
  limits?: RunLimits,
): Promise<Tensor> {
  const allowed = limits ?? (await limitsOfRun(request));
  const child = startProcess(new URL("./run-tensor-child.ts", import.meta.url), { stderr: "pipe" });
  const runner = connect<TensorDuties, object>(child, {}, ({ how }) => lost(request, how));
  const giveUp = (): void => child.kill("it was interrupted");
  signal?.addEventListener("abort", giveUp, { once: true });
  // It may have come while the limits were looked up.
  if (signal?.aborted === true) giveUp();
  // A program that could not be started has no number.
  const endWatch =
    child.pid === undefined ? undefined : watchProcess(child.pid, request.modelFile, allowed, runner.end);
  try {
    return await runner.ask("run", request);
  } catch (error) {
    throw withLibrary(error, child.stderr());
  } finally {
    endWatch?.();
    signal?.removeEventListener("abort", giveUp);
    child.kill("it is no longer needed");
  }
}

function lost(request: TensorRequest, how: string) {
  return machineError("the process that ran the model ended", {
    code: "tensor-process-lost",
    file: request.modelFile,
    found: how,
    remedy:
      request.provider === "cpu"
        ? "Something ended it, often for want of memory: close other programs, and look at `dmesg` for what the kernel ended"
        : "Try --provider cpu; `cnnt-edge doctor` shows what this machine lacks",
  });
}

/** ONNX Runtime says which library is missing on stderr only. */
function withLibrary(error: unknown, stderr: string): unknown {
  const library = /(lib[\w.+-]+\.so[\w.]*): cannot open shared object file/.exec(stderr)?.[1];
  if (library === undefined || !isEdgeError(error, "tensor-run-failed")) return error;
  return new EdgeError(error.kind, error.message, {
    ...fieldsOf(error),
    found: `${error.found}; ${library} is missing`,
  });
}
