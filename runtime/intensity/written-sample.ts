import { createHash } from "node:crypto";
import { bytesOf, type Sizes } from "../../core/acquisition.ts";
import { verificationError } from "../../core/errors.ts";
import { openAcquisition } from "../../formats/open.ts";
import type { Plane, PlaneIndex } from "../../formats/plane/plane-source.ts";

/** About how many planes of a result are read back. */
const sampledPlanes = 16;

/**
 * Remembers some of the planes that are written (the first, the last, and planes spread evenly between), and compares the
 * file with them before it gets its name. `output` names the file in errors.
 */
export function sampleWritten(sizes: Sizes, planes: number, output: string) {
  const every = Math.max(1, Math.floor(planes / sampledPlanes));
  const digests = new Map<PlaneIndex, string>();
  let written = 0;

  return {
    saw({ samples, t, c, z }: Plane): void {
      if (written % every === 0 || written === planes - 1) digests.set({ t, c, z }, digestOf(samples));
      written += 1;
    },
    /** Throws `EdgeError` (`verification`, `written-differs`) when the file at `path` is not what was written. */
    async check(path: string): Promise<void> {
      const source = await openAcquisition(path);
      try {
        const found = source.acquisition.sizes;
        const differing = (["t", "c", "z", "y", "x"] as const).filter((axis) => found[axis] !== sizes[axis]);
        const other = differing.map((axis) => `${axis} ${found[axis]} for ${sizes[axis]}`);
        if (other.length > 0) throw differs(output, other.join(", "));
        for (const [index, digest] of digests) {
          if (digestOf(await source.readPlane(index)) === digest) continue;
          throw differs(output, `other samples at t ${index.t}, c ${index.c}, z ${index.z}`);
        }
      } finally {
        await source.close();
      }
    },
  };
}

function digestOf(samples: Plane["samples"]): string {
  return createHash("sha1").update(bytesOf(samples)).digest("hex");
}

function differs(file: string, found: string) {
  return verificationError("the file on the disk is not what was written", {
    code: "written-differs",
    file,
    found,
    retryable: true,
    remedy: "Check the disk and the memory of this machine, then try again",
  });
}
