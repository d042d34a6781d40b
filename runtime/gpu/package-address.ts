import { createRequire } from "node:module";
import { z } from "zod";
import { unsupportedError } from "../../core/errors.ts";

/** A package of an index that speaks NuGet's protocol, version 3. */
export interface PackageAddress {
  /** Of the index's own description, a JSON document. */
  readonly index: string;
  readonly name: string;
  readonly version: string;
}

/** What onnxruntime-node's install script is driven by, as far as it concerns the libraries of one platform. */
const metadataSchema = z.object({
  requirements: z.record(z.string(), z.array(z.string())),
  manifests: z.record(z.string(), z.record(z.string(), z.object({ package: z.string(), path: z.string() }))),
  packages: z.record(
    z.string(),
    z.object({
      name: z.string().regex(/^[A-Za-z0-9._-]{1,100}$/),
      versions: z.array(z.object({ feed: z.string(), version: z.string() })),
    }),
  ),
  feeds: z.record(z.string(), z.object({ type: z.string(), index: z.url() })),
});

/**
 * Where the GPU package of this ONNX Runtime lies, as the installed onnxruntime-node says itself; it downloads it in
 * an install script, which is not run here. Throws `EdgeError` (`unsupported`, `gpu-metadata-unknown`).
 */
export function gpuPackageAddress(version: string): PackageAddress {
  let metadata: unknown;
  try {
    metadata = createRequire(import.meta.url)("onnxruntime-node/script/install-metadata.js");
  } catch {
    throw unknownMetadata(version, "no script/install-metadata.js");
  }
  return addressIn(metadata, "linux/x64", version);
}

/** `platform` is "linux/x64"; `version` that of the binding, which the package must have too. */
export function addressIn(metadata: unknown, platform: string, version: string): PackageAddress {
  const known = metadataSchema.safeParse(metadata);
  if (!known.success) throw unknownMetadata(version, z.prettifyError(known.error).split("\n")[0] ?? "");
  const { requirements, manifests, packages, feeds } = known.data;
  for (const requirement of requirements[platform] ?? []) {
    const files = Object.values(manifests[`${platform}:${requirement}`] ?? {});
    const wanted = files.find(({ path }) => path.endsWith("/libonnxruntime_providers_cuda.so"));
    const offered = wanted === undefined ? undefined : packages[wanted.package];
    for (const { feed, version: release } of offered?.versions ?? []) {
      const index = feeds[feed];
      if (offered !== undefined && release === version && index?.type === "nuget") {
        return { index: index.index, name: offered.name, version };
      }
    }
  }
  throw unknownMetadata(version, `no package of version ${version} for ${platform}`);
}

function unknownMetadata(version: string, found: string) {
  return unsupportedError("onnxruntime-node does not name its GPU package in a form that cnnt-edge knows", {
    code: "gpu-metadata-unknown",
    found,
    remedy: `\`pip download onnxruntime-gpu==${version} --no-deps\`, then name the wheel with --from`,
  });
}
