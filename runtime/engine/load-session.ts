import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { machineError } from "../../core/errors.ts";
import { InferenceSession } from "./onnx-runtime.ts";
import type { RunnableModel } from "./runnable-model.ts";

/**
 * A session of exactly the bytes that the model's hash is of: they are read once, hashed, and given to the runtime from
 * memory, so that a file that is replaced in the meantime never runs under another one's name. A model without a hash is
 * loaded from its file, because what it stands for lies beside it.
 * Throws `EdgeError` (`machine`, `package-changed`), and what the runtime throws.
 */
export async function loadSession(
  { modelFile, sha256 }: RunnableModel,
  options: InferenceSession.SessionOptions,
): Promise<InferenceSession> {
  if (sha256 === undefined) return InferenceSession.create(modelFile, options);
  const bytes = await readFile(modelFile).catch((cause: unknown) => {
    throw changed(modelFile, cause instanceof Error ? cause.message : String(cause), sha256);
  });
  const found = createHash("sha256").update(bytes).digest("hex");
  if (found !== sha256) throw changed(modelFile, `sha256 ${found}`, sha256);
  return InferenceSession.create(bytes, options);
}

function changed(file: string, found: string, sha256: string) {
  return machineError("the model's file was changed after its package was read", {
    code: "package-changed",
    file,
    found,
    allowed: `sha256 ${sha256}`,
    retryable: true,
    remedy:
      "Wait until the new files are whole, then start again; the daemon checks them and goes on by itself",
  });
}
