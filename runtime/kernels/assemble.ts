// Makes voxels.wasm from voxels.wat.
// usage: npm run kernels
import { readFileSync, writeFileSync } from "node:fs";
import wabt from "wabt";

const source = new URL("./voxels.wat", import.meta.url);

export async function assemble(): Promise<Uint8Array> {
  const module = (await wabt()).parseWat("voxels.wat", readFileSync(source, "utf8"), { simd: true });
  module.resolveNames();
  module.validate();
  return module.toBinary({}).buffer;
}

if (import.meta.url === `file://${process.argv[1]}`) {
  writeFileSync(new URL("./voxels.wasm", import.meta.url), await assemble());
}
