import assert from "node:assert/strict";
import { copyFile, cp, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { within } from "../../core/within.ts";
import { readPackage } from "../../export/package/read-package.ts";
import { modelIdentity } from "../../runtime/job/model-identity.ts";
import { createModelChecks } from "../../watcher/models/models.ts";
import { copyingEngine } from "./copying-engine.ts";
import { beforeEachCall } from "./folder-io/before-each-call.ts";
import { repository, runDaemon } from "./running-daemon.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { tinyTiff } from "./tiny-tiff.ts";
import { until } from "./until.ts";

/** A model folder whose files are replaced while a daemon uses it. */

const identity = join(repository, "models/identity");
const shipped = join(repository, "models/default");

test("a replaced model is verified and taken over between two jobs; half of it holds the folder", async (t) => {
  const folder = await temporaryFolder();
  const dir = join(folder, "model");
  await cp(identity, dir, { recursive: true });
  const { engine, orders } = copyingEngine();
  const { lives, said } = await runDaemon(t, folder, engine, {
    folders: [{ name: "f", path: "incoming", output: "denoised", model: "model" }],
  });
  await writeFile(join(folder, "incoming", "a.tif"), tinyTiff(1));
  await until("the first job is done", () => lives("a.tif").includes("done"));

  await copyFile(join(shipped, "model.onnx"), join(dir, "model.onnx"));
  const held = await until("the folder is held", () =>
    said("folder/f/state").findLast((one) => one["state"] === "error"),
  );
  assert.match(String(held["reason"]), /not the one that the description names/);
  await writeFile(join(folder, "incoming", "b.tif"), tinyTiff(2));

  for (const name of await readdir(shipped))
    await cp(join(shipped, name), join(dir, name), { recursive: true });
  await until("the second job is done", () => lives("b.tif").includes("done"));
  const verified = orders.map(({ models }) => models.verified?.[dir]);
  const [before, now] = await Promise.all([identity, shipped].map(readPackage));
  assert.ok(before !== undefined && now !== undefined);
  assert.deepEqual(verified, [modelIdentity(before), modelIdentity(now)]);
  await until("the new model is told", () =>
    JSON.stringify(said("info").at(-1)?.["models"]).includes(now.modelSha256),
  );
});

test("a model is checked when its files have been still, and what it holds then is said", async () => {
  const dir = join(await temporaryFolder(), "model");
  await cp(identity, dir, { recursive: true });
  const news: string[] = [];
  const checks = createModelChecks({
    dirs: () => [dir],
    signal: new AbortController().signal,
    everyCalls: 1000,
    onNews: (text) => news.push(text),
  });
  const name = (): string => {
    const [model] = checks.models();
    return model !== undefined && "package" in model ? model.package.name : "in error";
  };
  await checks.all("cpu");
  assert.equal(await checks.changed("cpu"), false);
  assert.deepEqual(news, []);

  for (const file of await readdir(shipped)) {
    await cp(join(shipped, file), join(dir, file), { recursive: true });
    assert.equal(await checks.changed("cpu"), false, "another file may be on its way");
    assert.equal(name(), "identity");
  }
  assert.equal(await checks.changed("cpu"), true);
  const { modelSha256 } = await readPackage(shipped);
  assert.notEqual(name(), "identity");
  assert.equal(news.length, 2, "the change is said once");
  assert.match(news[0] ?? "", /its files have changed; they are checked when they stop changing/);
  assert.match(news[1] ?? "", new RegExp(`sha256 ${modelSha256}\\) was verified; the next job runs it`));

  await writeFile(join(dir, "notes.txt"), "read me");
  await checks.changed("cpu");
  assert.equal(await checks.changed("cpu"), false, "nothing that decides a result was changed");
  assert.match(news.at(-1) ?? "", /it holds the same model as before/);
});

test("a model that comes into use is checked at the next look, and one that is used no more is forgotten", async () => {
  let dirs = [identity];
  const checks = createModelChecks({
    dirs: () => dirs,
    signal: new AbortController().signal,
    everyCalls: 1000,
    onNews: () => undefined,
  });
  await checks.all("cpu");
  dirs = [identity, shipped];
  assert.equal(await checks.changed("cpu"), true);
  assert.deepEqual(
    checks.models().map((model) => ["package" in model, model.dir]),
    dirs.map((dir) => [true, dir]),
  );
  dirs = [shipped];
  assert.equal(await checks.changed("cpu"), true);
  assert.deepEqual(
    checks.models().map(({ dir }) => dir),
    [shipped],
  );
});

test("a model whose disk hangs is in error, its disk is asked nothing else, and it is in order once that answers", async (t) => {
  for (const call of ["opendir", "stat"]) {
    const dir = join(await temporaryFolder(), "model");
    await cp(identity, dir, { recursive: true });
    const checks = createModelChecks({
      dirs: () => [dir],
      signal: new AbortController().signal,
      everyCalls: 1,
      onNews: () => undefined,
      hangMs: 500,
    });
    await checks.all("cpu");
    const hanging: (() => void)[] = [];
    const end = beforeEachCall(({ name, paths }) => {
      if (name !== call || !paths[0]?.startsWith(dir)) return undefined;
      return new Promise((resolve) => hanging.push(resolve));
    });
    t.after(end);
    for (let looks = 0; looks < 3; looks += 1) await within(10_000, checks.changed("cpu"));
    assert.equal(hanging.length, 1);
    const [model] = checks.models();
    assert.match(model !== undefined && "error" in model ? model.error.message : "", /does not answer/);
    end();
    for (const answer of hanging) answer();
    await until("it is in order", async () => {
      await checks.changed("cpu");
      return checks.models().every((one) => "package" in one);
    });
  }
});
