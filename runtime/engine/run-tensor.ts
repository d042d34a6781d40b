import { type ErrorReport, errorFromReport, machineError } from "../../core/errors.ts";
import type { Tensor } from "../../core/tensor.ts";
import { forkProgram } from "../machine/fork-program.ts";
import { limitsOfRun, type RunLimits, watchProcess } from "./run-limits.ts";
import type { RunnableModel } from "./runnable-model.ts";

/** One inference in a throw-away process: what `verify` stands on. A native crash costs that process only. */
export interface TensorRequest extends RunnableModel {
  readonly provider: string;
  readonly input: Tensor;
}

export type TensorAnswer = { readonly output: Tensor } | { readonly error: ErrorReport };

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
  const child = forkProgram(new URL("./run-tensor-child.ts", import.meta.url), { stderr: "pipe" });
  // ONNX Runtime says which library is missing on stderr only.
  let stderr = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    stderr = (stderr + text).slice(-4000);
  });
  const kill = (): void => void child.kill("SIGKILL");
  signal?.addEventListener("abort", kill, { once: true });
  // It may have come while the limits were looked up.
  if (signal?.aborted === true) kill();
  let endWatch = (): void => undefined;
  try {
    const answer = await new Promise<TensorAnswer>((resolve, reject) => {
      child.once("message", (message) => resolve(message as TensorAnswer));
      child.once("error", reject);
      // A program that could not be started has no number; "error" says so.
      if (child.pid !== undefined) endWatch = watchProcess(child.pid, request.modelFile, allowed, reject);
      child.once("exit", (code, signalName) =>
        reject(lost(request, signalName ?? `exit code ${code}`, stderr)),
      );
      child.send(request);
    });
    if ("error" in answer) throw errorFromReport(withLibrary(answer.error, stderr));
    return answer.output;
  } finally {
    endWatch();
    signal?.removeEventListener("abort", kill);
    child.kill("SIGKILL");
  }
}

function lost(request: TensorRequest, how: string, stderr: string) {
  return machineError("the process that ran the model ended", {
    code: "tensor-process-lost",
    file: request.modelFile,
    found: `${how}${stderr === "" ? "" : `; ${lastLine(stderr)}`}`,
    remedy:
      request.provider === "cpu"
        ? "Something ended it, often for want of memory: close other programs, and look at `dmesg` for what the kernel ended"
        : "Try --provider cpu; `cnnt-edge doctor` shows what this machine lacks",
  });
}

function withLibrary(error: ErrorReport, stderr: string): ErrorReport {
  const library = /(lib[\w.+-]+\.so[\w.]*): cannot open shared object file/.exec(stderr)?.[1];
  return library === undefined ? error : { ...error, message: `${error.message} (${library} is missing)` };
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1) ?? "";
}
