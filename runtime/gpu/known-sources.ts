import { createReadStream } from "node:fs";
import { usageError, verificationError } from "../../core/errors.ts";
import type { Digest } from "../../formats/file/file-digest.ts";
import type { LibrarySource } from "./library-source.ts";

/**
 * The archives that are taken without `--sha256`, by the version of ONNX Runtime that they belong to. Those of the
 * wheels are what the Python Package Index publishes (`pip install --dry-run --report -` prints them); of those
 * for cp311 and cp312 the bytes were looked at too. A new version of onnxruntime-node needs new rows; until then people give the hash.
 */
const knownSources: Readonly<Record<string, Readonly<Record<Digest, string>>>> = {
  "1.30.0": {
    "4fbf0c5d7b5fb99266c2e8a802e3e64af68bdc383e0f3c7349b985f1087eedaa":
      "onnxruntime_gpu-1.30.0-cp311-cp311-manylinux_2_28_x86_64.whl",
    "6acc0f4b3d5ac5f2984432faa59dd8fcce6775f8b43a7140afa0f322c7a703b1":
      "onnxruntime_gpu-1.30.0-cp312-cp312-manylinux_2_28_x86_64.whl",
    "9aba23f903f434cc55d851aeb801afee19e287c202f4ab8f59d02f04caa90aed":
      "onnxruntime_gpu-1.30.0-cp313-cp313-manylinux_2_28_x86_64.whl",
    "5aacc98f394a13f4891c0a07e60479d8fb0b1ea6f3328b6b38cfc88f9dfb05ea":
      "onnxruntime_gpu-1.30.0-cp314-cp314-manylinux_2_28_x86_64.whl",
    a76b2831fd91ada044532713c4d2a69b845f91fc1168ba6a84bd2efb9b66b8f5:
      "folder with the three libraries of onnxruntime_gpu-1.30.0-cp311-cp311-manylinux_2_28_x86_64.whl",
  },
};

/**
 * Native code that will run in our process is taken only when its SHA-256 is known to us or named by the caller.
 * Returns what vouches for it.
 */
export function requireTrusted(
  source: LibrarySource,
  version: string,
  expected: string | undefined,
): "known here" | "given with --sha256" {
  if (expected !== undefined) {
    if (!/^[0-9a-f]{64}$/i.test(expected)) {
      throw usageError("a SHA-256 is 64 hexadecimal digits", {
        code: "gpu-sha256-malformed",
        found: expected,
      });
    }
    if (expected.toLowerCase() === source.digest) return "given with --sha256";
    throw verificationError("its SHA-256 is not the one given", {
      code: "gpu-sha256-mismatch",
      file: source.path,
      found: source.digest,
      allowed: expected.toLowerCase(),
      remedy: "Copy the archive again; if the hash stays the same, it is another archive",
    });
  }
  if (knownSources[version]?.[source.digest] !== undefined) return "known here";
  throw verificationError("its SHA-256 is not among those known for this version", {
    code: "gpu-source-unpinned",
    file: source.path,
    found: source.digest,
    remedy: `Compare it with the hash that the publisher states, then repeat with --sha256 ${source.digest}`,
  });
}

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
