import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, test } from "node:test";
import { startEngine } from "../../../runtime/engine/host.ts";
import { tinyTiff } from "../../watcher/tiny-tiff.ts";

const identity = resolve(import.meta.dirname, "../../../models/identity");
const scratch = mkdtempSync(join(tmpdir(), "done-file-"));
const engine = startEngine({ models: [identity], providers: ["cpu"] });
after(async () => {
  await engine.stop();
  rmSync(scratch, { recursive: true });
});

const output = join(scratch, "a.denoised.ome.tif");
const order = { output, jobId: "0123456789abcdef", models: { default: identity }, doneFile: true } as const;

test("a file beside the result says what was done, and goes before the result is replaced", async () => {
  const input = join(scratch, "a.tif");
  writeFileSync(input, tinyTiff(1));
  const outcome = await engine.denoise({ ...order, input });
  assert.deepEqual(readdirSync(scratch).sort(), [
    "a.denoised.ome.tif",
    "a.denoised.ome.tif.done.json",
    "a.tif",
  ]);
  const said = JSON.parse(readFileSync(`${output}.done.json`, "utf8"));
  assert.equal(said.result, "a.denoised.ome.tif");
  assert.deepEqual(said.sources, [{ file: "a.tif", sha256: outcome.sourceSha256 }]);
  assert.equal(said.job, order.jobId);
  assert.ok(!Number.isNaN(Date.parse(said.finished)));

  writeFileSync(input, tinyTiff(2));
  await engine.denoise({ ...order, input, overwrite: "own" });
  assert.notEqual(
    JSON.parse(readFileSync(`${output}.done.json`, "utf8")).source_sha256,
    outcome.sourceSha256,
  );
});

test("planes that hold only zeros are counted in the result's notes; a stack that is black throughout is not", async () => {
  const noted = async (name: string, ...values: number[]): Promise<readonly string[]> => {
    const input = join(scratch, `${name}.tif`);
    writeFileSync(input, tinyTiff(...values));
    const { notes } = await engine.denoise({
      input,
      output: join(scratch, `${name}.denoised.ome.tif`),
      models: { default: identity },
    });
    return notes.filter((note) => note.includes("only zeros"));
  };
  assert.deepEqual(await noted("holes", 0, 2, 0, 4), [
    "2 of 4 planes hold only zeros: they may never have been written",
  ]);
  assert.deepEqual(await noted("black", 0, 0, 0, 0), []);
  assert.deepEqual(await noted("whole", 1, 2, 3, 4), []);
});

test("a result that fails leaves no file that says it is done", async () => {
  rmSync(output);
  const cut = join(scratch, "cut.tif");
  writeFileSync(cut, tinyTiff(1).subarray(0, 60));
  await assert.rejects(
    engine.denoise({ ...order, output: join(scratch, "cut.denoised.ome.tif"), input: cut }),
  );
  assert.ok(!readdirSync(scratch).some((name) => name.startsWith("cut.denoised")));
});
