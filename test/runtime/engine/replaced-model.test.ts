import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { readPackage } from "../../../export/package/read-package.ts";
import { encodeNpy } from "../../../formats/npy.ts";
import { openAcquisition } from "../../../formats/open.ts";
import { createHeldPackages } from "../../../runtime/engine/held-packages.ts";
import { type EngineOptions, startEngine } from "../../../runtime/engine/host.ts";
import type { Engine } from "../../../runtime/job/denoise-job.ts";
import { modelIdentity } from "../../../runtime/job/model-identity.ts";

/** The real engine, and a model folder whose files are replaced beneath it. */

const models = resolve(import.meta.dirname, "../../../models");
const scratch = mkdtempSync(join(tmpdir(), "replaced-"));
const engines: Engine[] = [];
after(async () => {
  await Promise.all(engines.map((engine) => engine.stop(0)));
  rmSync(scratch, { recursive: true });
});

const input = join(scratch, "in.npy");
const stack = Float32Array.from({ length: 4 * 64 * 64 }, (_, i) => i % 251);
writeFileSync(input, encodeNpy({ shape: [4, 64, 64], data: stack }));

const identity = await readPackage(join(models, "identity"));
const shipped = await readPackage(join(models, "default"));

let count = 0;
function start(options: Partial<EngineOptions> = {}) {
  count += 1;
  const dir = join(scratch, `model-${count}`);
  cpSync(identity.dir, dir, { recursive: true });
  const engine = startEngine({ models: [dir], providers: ["cpu"], ...options });
  engines.push(engine);
  return {
    engine,
    dir,
    replace: () => {
      rmSync(dir, { recursive: true });
      cpSync(shipped.dir, dir, { recursive: true });
    },
  };
}

/** What a result says of the model that made it. */
function toldModel(file: string): string {
  const text = readFileSync(file, "latin1");
  const [, name] = /<M K="Model">([^<]*)<\/M>/.exec(text) ?? [];
  const [, sha256] = /<M K="Model sha256">([^<]*)<\/M>/.exec(text) ?? [];
  return `${name} ${sha256}`;
}

async function samplesOf(file: string): Promise<number[]> {
  const source = await openAcquisition(file);
  try {
    const planes = [];
    for (let z = 0; z < 4; z += 1) planes.push(...(await source.readPlane({ t: 0, c: 0, z }, {})));
    return planes;
  } finally {
    await source.close();
  }
}

const tells = ({ name, version, modelSha256 }: typeof identity): string =>
  `${name} ${version} ${modelSha256}`;

test("a result names the model that made it, whatever its folder holds by now", async () => {
  const { engine, dir, replace } = start();
  const before = await engine.denoise({
    input,
    output: join(scratch, "1.ome.tif"),
    models: { default: dir },
  });
  replace();
  const after = await engine.denoise({ input, output: join(scratch, "2.ome.tif"), models: { default: dir } });
  assert.equal(toldModel(before.output), tells(identity));
  assert.equal(toldModel(after.output), tells(identity));
  assert.deepEqual(await samplesOf(after.output), [...stack], "the identity's own pixels");
});

test("a model is taken over between two jobs where the job names the one that was verified", async () => {
  const { engine, dir, replace } = start();
  const job = (name: string, model: typeof identity) => ({
    input,
    output: join(scratch, name),
    models: { default: dir, verified: { [dir]: modelIdentity(model) } },
  });
  await engine.denoise(job("3.ome.tif", identity));
  replace();
  const { output } = await engine.denoise(job("4.ome.tif", shipped));
  assert.equal(toldModel(output), tells(shipped));
  const fresh = startEngine({ models: [shipped.dir], providers: ["cpu"] });
  engines.push(fresh);
  const models = { default: shipped.dir };
  const { output: expected } = await fresh.denoise({ input, output: join(scratch, "5.ome.tif"), models });
  assert.deepEqual(await samplesOf(output), await samplesOf(expected), "the new network's own pixels");
});

test("what was not verified is not run", async () => {
  const { engine, dir, replace } = start();
  await engine.ready();
  replace();
  const models = { default: dir, verified: { [dir]: "some third model" } };
  await assert.rejects(engine.denoise({ input, output: join(scratch, "6.ome.tif"), models }), {
    code: "package-changed",
    retryable: true,
  });
});

test("a model that must be loaded again and is another by now is refused", async () => {
  const { engine, dir, replace } = start({ idleReleaseMs: 50 });
  const models = { default: dir };
  await engine.denoise({ input, output: join(scratch, "7.ome.tif"), models });
  replace();
  await delay(500);
  await assert.rejects(engine.denoise({ input, output: join(scratch, "8.ome.tif"), models }), {
    code: "package-changed",
    message: /the model's file was changed after its package was read/,
  });
});

test("two packages differ in identity by their settings alone, and not by where they lie", () => {
  assert.equal(modelIdentity({ ...identity, dir: "/elsewhere" }), modelIdentity(identity));
  const settings = { ...identity.settings, intensity: { meaning: "uncalibrated" } as const };
  assert.notEqual(modelIdentity({ ...identity, settings }), modelIdentity(identity));
});

test("a package is read once for each folder, however the folder is written", async () => {
  let reads = 0;
  const packages = createHeldPackages(async () => {
    reads += 1;
    return identity;
  });
  await packages.take("models/identity");
  await packages.take(resolve("models/identity"), modelIdentity(identity));
  assert.equal(reads, 1);
});
