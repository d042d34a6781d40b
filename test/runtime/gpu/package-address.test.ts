import assert from "node:assert/strict";
import { test } from "node:test";
import { isEdgeError } from "../../../core/errors.ts";
import { addressIn, gpuPackageAddress } from "../../../runtime/gpu/package-address.ts";
import { onnxRuntimeVersion } from "../../../runtime/machine/product-version.ts";

test("the installed onnxruntime-node says where the GPU package of exactly its version lies", () => {
  const address = gpuPackageAddress(onnxRuntimeVersion());
  assert.equal(address.version, onnxRuntimeVersion());
  assert.match(address.name, /gpu\.linux$/i);
  assert.match(address.index, /^https:.*\.json$/);
});

const metadata = {
  requirements: { "linux/x64": ["cuda12"] },
  manifests: {
    "linux/x64:cuda12": {
      "./libonnxruntime_providers_cuda.so": { package: "p", path: "native/libonnxruntime_providers_cuda.so" },
    },
  },
  packages: { p: { name: "Some.Gpu", versions: [{ feed: "f", version: "9.8.7" }] } },
  feeds: { f: { type: "nuget", index: "https://index.example/v3/index.json" } },
};

test("metadata of another form, version, platform or kind of index are refused, naming --from", () => {
  assert.equal(addressIn(metadata, "linux/x64", "9.8.7").name, "Some.Gpu");
  const wrong: [unknown, string, string][] = [
    [undefined, "linux/x64", "9.8.7"],
    [{}, "linux/x64", "9.8.7"],
    [{ ...metadata, packages: { p: { ...metadata.packages.p, name: "../x" } } }, "linux/x64", "9.8.7"],
    [{ ...metadata, feeds: { f: { type: "other", index: metadata.feeds.f.index } } }, "linux/x64", "9.8.7"],
    [metadata, "linux/x64", "9.8.8"],
    [metadata, "linux/arm64", "9.8.7"],
  ];
  for (const [form, platform, version] of wrong) {
    assert.throws(
      () => addressIn(form, platform, version),
      (error) => isEdgeError(error, "gpu-metadata-unknown") && /--from/.test(error.remedy ?? ""),
    );
  }
});
