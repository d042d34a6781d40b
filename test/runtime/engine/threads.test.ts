import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, test } from "node:test";

import { randomOf } from "../../../calibration/simulation/random.ts";
import { encodeNpy } from "../../../formats/npy.ts";
import { openAcquisition } from "../../../formats/open.ts";
import { startEngine } from "../../../runtime/engine/host.ts";
import { listSupportedBackends } from "../../../runtime/engine/onnx-runtime.ts";
import { providerNames } from "../../../runtime/machine/providers.ts";

const root = resolve(import.meta.dirname, "../../..");
const scratch = mkdtempSync(join(tmpdir(), "threads-"));
after(() => rmSync(scratch, { recursive: true }));

const shape = [7, 60, 68];
const random = randomOf(5);
const stack = Float32Array.from({ length: 7 * 60 * 68 }, () => 100 * random());
const input = join(scratch, "stack.npy");
writeFileSync(input, encodeNpy({ shape, data: stack }));

/** Overlapping tiles of the stack, blended, by so many threads in the provider. */
async function denoised(
  model: string,
  intraOpThreads: number,
  overlap: [number, number, number] = [1, 10, 12],
): Promise<Float32Array> {
  const dir = join(root, "models", model);
  const engine = startEngine({ models: [dir], providers: ["cpu"], intraOpThreads });
  try {
    const output = join(scratch, `${model}-${intraOpThreads}-${overlap.join("-")}.ome.tif`);
    await engine.denoise({
      input,
      output,
      models: { default: dir },
      normalization: "package",
      tile: [4, 32, 32],
      overlap,
    });
    const source = await openAcquisition(output);
    const result = new Float32Array(stack.length);
    for (let z = 0; z < 7; z += 1) result.set(await source.readPlane({ t: 0, c: 0, z }), z * 60 * 68);
    await source.close();
    return result;
  } finally {
    await engine.stop();
  }
}

test("blending does not depend on the number of threads: every bit is the same", async () => {
  const [one, two] = [await denoised("identity", 1), await denoised("identity", 2)];
  assert.deepEqual(Buffer.from(one.buffer), Buffer.from(two.buffer));
  // The same values summed in other portions: what is compared here does show another order.
  const other = await denoised("identity", 1, [1, 20, 12]);
  assert.notDeepEqual(Buffer.from(one.buffer), Buffer.from(other.buffer));
});

test("the provider's own kernels differ by rounding at most", async () => {
  const [one, two] = [await denoised("default", 1), await denoised("default", 2)];
  const largest = one.reduce((most, value, i) => Math.max(most, Math.abs(value - (two[i] ?? Number.NaN))), 0);
  assert.ok(largest < 1e-3, `${largest} of 100`);
});

test("the names of providers are those that the binding lists", () => {
  const listed = listSupportedBackends().map(({ name }) => name);
  assert.deepEqual([...providerNames].sort(), listed.sort());
});
