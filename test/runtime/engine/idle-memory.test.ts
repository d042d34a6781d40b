import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { encodeNpy } from "../../../formats/npy.ts";
import { startEngine } from "../../../runtime/engine/host.ts";
import { denoiseJobSchema } from "../../../runtime/job/denoise-job.ts";

const model = resolve(import.meta.dirname, "../../../models/default");
const scratch = mkdtempSync(join(tmpdir(), "idle-"));
after(() => rmSync(scratch, { recursive: true }));
const skip = existsSync("/proc/self/status") ? false : "resident memory is read from /proc";

function residentBytes(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(line?.[1]) * 1024;
}

test("an engine without work gives the memory of its last tiles back, and takes the next job as before", {
  skip,
}, async () => {
  const shape = [3, 256, 256];
  const data = Float32Array.from({ length: 3 * 256 * 256 }, (_, i) => 0.5 + 0.4 * Math.sin(i * 0.37));
  const input = join(scratch, "input.npy");
  writeFileSync(input, encodeNpy({ shape, data }));
  const engine = startEngine({ models: [model], providers: ["cpu"], idleReleaseMs: 500 });
  try {
    const { pid } = await engine.ready();
    const denoise = async (name: string): Promise<Buffer> => {
      const output = join(scratch, name);
      await engine.denoise(denoiseJobSchema.parse({ input, output, models: { default: model } }));
      return readFileSync(output).subarray(0, data.byteLength);
    };
    const first = await denoise("first.ome.tif");
    const held = residentBytes(pid);
    // Some 0.9 kB for each voxel.
    const tileBytes = 150e6;
    for (let waited = 0; residentBytes(pid) > held - tileBytes / 2; waited += 100) {
      assert.ok(waited < 20_000, `${residentBytes(pid)} of ${held} bytes are still held`);
      await sleep(100);
    }
    assert.deepEqual(await denoise("second.ome.tif"), first);
  } finally {
    await engine.stop();
  }
});
