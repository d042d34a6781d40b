import { createReadStream } from "node:fs";
import { verificationError } from "../../core/errors.ts";

/**
 * Whether a file holds the version as a C string of its own, as ONNX Runtime's CUDA library does (1.29.0 and 1.30.0
 * hold their own and no other's). Neither its soname nor its symbol versions (`VERS_1.0` in every release) tell it.
 */
async function holdsVersion(file: string, version: string, signal: AbortSignal): Promise<boolean> {
  const mark = Buffer.from(`\0${version}\0`, "latin1");
  let tail: Buffer = Buffer.alloc(0);
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20, signal })) {
    const window = Buffer.concat([tail, chunk as Buffer]);
    if (window.includes(mark)) return true;
    tail = window.subarray(Math.max(0, window.length - mark.length + 1));
  }
  return false;
}

/** The loader takes a CUDA library of any version, and it then fails in odd ways: nobody else compares them. */
export async function requireVersion(
  library: string,
  version: string,
  source: string,
  signal: AbortSignal,
): Promise<void> {
  if (await holdsVersion(library, version, signal)) return;
  throw verificationError(`the CUDA library does not belong to ONNX Runtime ${version}`, {
    code: "gpu-version-mismatch",
    file: source,
    allowed: `the version ${version} written in it, exactly that of onnxruntime-node`,
    remedy: `Take onnxruntime-gpu ${version}: \`pip download onnxruntime-gpu==${version} --no-deps\``,
  });
}
